"""The soak: two clusters, the same faults at the same moments, one with an agent that repairs and one without.

    python -m tests.soak --seed 5 --minutes 60 --out FOLDER

Read course.py first. Standing questions and who answers them: which faults (schedule.py, pure), what each does
(faults.py), what was published and what is still there (messages.py), which loss belongs to which fault and whether the
agent is to blame (losses.py, pure), whether the audit kept every promise (audited.py, pure).
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "deploy/lab"))  # as the lab's launcher does
