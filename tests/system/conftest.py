from __future__ import annotations

from tests.sensors.conftest import history as history
from tests.sensors.conftest import proxy_of_history as proxy_of_history
from tests.sensors.flows import written_history as written_history
