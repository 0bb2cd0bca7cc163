"""Every page and API of the agent, put together from its parts."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute

from rabbitwatch.agent import Agent
from rabbitwatch.evaluation import Evaluation
from rabbitwatch.notification import Notification
from rabbitwatch.remediation import Remediation
from rabbitwatch.web import graph
from rabbitwatch.web.actions.api import ActionsApi
from rabbitwatch.web.actions.page import ActionPages
from rabbitwatch.web.actions.webhook import AlertmanagerWebhook
from rabbitwatch.web.alertmanager import AlertmanagerApi
from rabbitwatch.web.guard import Guard
from rabbitwatch.web.notices import NoticesApi
from rabbitwatch.web.runbooks import RunbookPages
from rabbitwatch.web.silences import SilencePages
from rabbitwatch.web.status import StatusPages
from rabbitwatch.web.wall import WallPages


def routes(
    agent: Agent, evaluation: Evaluation, notification: Notification, remediation: Remediation
) -> Sequence[BaseRoute]:
    """All but those that the application has by itself."""
    guard = Guard(lambda: notification.config.notify.external_url)
    book, silences, repairs = notification.book, notification.silences, remediation.repairs
    parts = (
        StatusPages(agent, lambda: notification.book, evaluation.evaluator, repairs, evaluation.window),
        evaluation.api,
        NoticesApi(notification.exchange, notification.log),
        AlertmanagerApi(book, silences, lambda: notification.config, guard),
        SilencePages(silences, book, guard),
        graph,
        RunbookPages(),
        ActionPages(repairs, guard),
        ActionsApi(repairs, guard),
        AlertmanagerWebhook(repairs, lambda: notification.config.actions.webhook),
        WallPages(agent, lambda: notification.book),
    )
    return [route for part in parts for route in part.routes()]
