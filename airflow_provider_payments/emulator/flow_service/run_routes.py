"""Operations on flow runs that change something."""

from __future__ import annotations

from airflow_provider_payments.emulator.exchange import Routes

ROUTES: Routes = ()
