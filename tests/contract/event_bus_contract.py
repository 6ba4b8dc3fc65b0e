"""The EventBus contract: subclass `EventBusContract` and override `harness`."""

from __future__ import annotations

from .bus_delivery import BusDelivery
from .bus_explored import BusExplored
from .bus_loss import BusLoss
from .forgetting import BusForgetting


class EventBusContract(BusDelivery, BusLoss, BusExplored, BusForgetting):
    """BUS-01 to BUS-20 and BUS-33 are in `bus_delivery`, BUS-21 to BUS-30, BUS-34 and BUS-35 in `bus_loss`,
    BUS-31 and BUS-32 in `bus_explored`, BUS-61 in `forgetting`.
    """
