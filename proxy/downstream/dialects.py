"""Which flow a dialect has; the one place that knows them all."""

from collections.abc import Mapping

from proxy.downstream.aion import AionFlow
from proxy.downstream.login import LoginFlow
from proxy.downstream.session import FlowMaker

FLOWS: Mapping[str, FlowMaker] = {"aion": AionFlow, "login": LoginFlow}
