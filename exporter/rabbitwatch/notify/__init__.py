"""From alerts to notices: routing, grouping, inhibition, silences as stages; one file a receiver."""
