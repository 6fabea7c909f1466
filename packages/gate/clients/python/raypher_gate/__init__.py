"""Asks the Raypher action gate whether something may happen. Needs nothing but Python 3.9."""

from .client import GateCallError, GateClient, GateUnavailable
from .request import NotCanonical

__all__ = ["GateCallError", "GateClient", "GateUnavailable", "NotCanonical"]
