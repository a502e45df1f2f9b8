"""All functions of the expression language that mappings of payments use, by name."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_payments.emulator.data_prep.function import Function
from airflow_provider_payments.emulator.data_prep.structure_functions import STRUCTURE_FUNCTIONS, STRUCTURE_METHODS
from airflow_provider_payments.emulator.data_prep.text_functions import TEXT_FUNCTIONS, TEXT_METHODS
from airflow_provider_payments.emulator.data_prep.time_functions import TIME_FUNCTIONS

FUNCTIONS: Mapping[str, Function] = {**TEXT_FUNCTIONS, **TIME_FUNCTIONS, **STRUCTURE_FUNCTIONS}
# What can be called on a value; the value counts as the first argument.
METHODS: Mapping[str, Function] = {**TEXT_METHODS, **STRUCTURE_METHODS}
