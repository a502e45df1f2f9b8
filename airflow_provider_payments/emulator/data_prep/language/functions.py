"""All functions of the expression language by name."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_payments.emulator.data_prep.language.function import Function
from airflow_provider_payments.emulator.data_prep.language.structure_functions import (
    STRUCTURE_FUNCTIONS,
    STRUCTURE_METHODS,
)
from airflow_provider_payments.emulator.data_prep.language.text_functions import TEXT_FUNCTIONS, TEXT_METHODS
from airflow_provider_payments.emulator.data_prep.language.time_functions import TIME_FUNCTIONS
from airflow_provider_payments.emulator.data_prep.language.url_functions import URL_FUNCTIONS
from airflow_provider_payments.emulator.data_prep.language.value_functions import VALUE_FUNCTIONS

FUNCTIONS: Mapping[str, Function] = {
    **TEXT_FUNCTIONS,
    **URL_FUNCTIONS,
    **TIME_FUNCTIONS,
    **STRUCTURE_FUNCTIONS,
    **VALUE_FUNCTIONS,
}
# Functions that can be called on a value, which is then the first argument.
METHODS: Mapping[str, Function] = {**TEXT_METHODS, **STRUCTURE_METHODS}
