"""Operators for base, source and target connections of Flow Service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_payments.aep.errors import InvalidInputError, PlatformError
from airflow_provider_payments.aep.inputs import as_list, as_optional_text, as_text
from airflow_provider_payments.aep.redaction import remember
from airflow_provider_payments.aep.resources.sources import find_source, require_source
from airflow_provider_payments.aep.services import ADHOC_SCHEMA_VERSION, DATA_LAKE_SPEC_ID, SCHEMA_VERSION
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.hooks.experience_platform import ExperiencePlatformHook
from airflow_provider_payments.operators.base import CreateOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.resources.sources import Source

__all__ = [
    "CreateBaseConnectionOperator",
    "CreateDatasetBaseConnectionOperator",
    "CreateSourceConnectionOperator",
    "CreateTargetConnectionOperator",
]


class CreateBaseConnectionOperator(CreateOperator):
    """
    Create a vendor account's login at Experience Platform, from an Airflow connection.

    The vendor's connection: PayPal login = client id, password = client secret, host = PayPal's API host (that of its
    sandbox is ``api.sandbox.paypal.com``); Square the same and extra ``access_token``, ``refresh_token``; Stripe
    password = API key.

    :param source: ``paypal``, ``square`` or ``stripe``; required.
    :param vendor_conn_id: the Airflow connection that holds the vendor's credential.
    :raises ExperiencePlatformFailedError: when the DAG is parsed, if ``source`` is absent.
    """

    template_fields: Sequence[str] = (*CreateOperator.template_fields, "source", "vendor_conn_id")

    def __init__(self, *, vendor_conn_id: str, source: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        with airflow_errors():
            require_source(source)
        self.source = source
        self.vendor_conn_id = vendor_conn_id

    def resource(self) -> Resource:
        from airflow_provider_payments.aep.resources.flow_service import BaseConnection

        source = find_source(self.source)
        return BaseConnection(source=source, credential=self._credential(source), **self.common)

    def _credential(self, source: Source) -> dict[str, str]:
        from airflow_provider_payments.hooks.connection import extra_of, text_of

        connection = ExperiencePlatformHook.get_connection(as_text("vendor_conn_id", self.vendor_conn_id))
        extra = extra_of(connection)
        held = {
            "host": connection.host,
            "client_id": connection.login,
            "client_secret": connection.password,
            # Where there is only a token (Stripe's API key), it is the password.
            "access_token": text_of(extra, "access_token")
            or (None if "clientSecret" in source.auth_params else connection.password),
            "refresh_token": text_of(extra, "refresh_token"),
        }
        remember(*(held[name] for name in ("client_secret", "access_token", "refresh_token")))
        missing = [theirs for theirs, ours in source.auth_params.items() if not held[ours]]
        if missing:
            allowed = f"the connection must hold {', '.join(missing)} of {source.title}"
            raise InvalidInputError("vendor_conn_id", self.vendor_conn_id, allowed)
        return {theirs: str(held[ours]) for theirs, ours in source.auth_params.items()}


class CreateSourceConnectionOperator(CreateOperator):
    """
    Create the source connection: a table with its columns, a file's path, or a REST resource.

    Returns :class:`~airflow_provider_payments.operators.outputs.CreatedSourceConnection`: ``columns`` are
    the names of the columns that are read; of a REST resource the paths of the attributes that explore shows, such as
    ``data.id``; ``None`` where they are not known.

    :param base_connection_id: the vendor account's base connection.
    :param table: a table's path, such as ``PayPal.Catalog_Products``.
    :param columns: its columns, objects as explore gives them, or names that get their types from explore at the
        creation; by default all that explore gives. Types are compared where an object gives them.
    :param path: a file's path (``delimited``, ``json``, ``parquet``), or a table's as the older documents send it.
    :param resource_path: a REST resource, such as Stripe's ``charges``.
    :param data_format: ``tabular``, ``delimited``, ``json``, ``parquet`` or ``parquet_xdm``; by default
        ``tabular`` for a table and ``json`` for a REST resource; with a path it must be given.
    :param schema_id: the ad-hoc schema of the older documents.
    :param schema_version: the content type that asks for it.
    :param source: ``paypal``, ``square`` or ``stripe``; required unless ``connection_spec_id`` is given.
    :param connection_spec_id: the connection spec of a source that the catalogue does not hold; overrides ``source``.
    :raises ExperiencePlatformFailedError: when the DAG is parsed, if both are absent.
    """

    template_fields: Sequence[str] = (
        *CreateOperator.template_fields,
        "base_connection_id",
        "table",
        "columns",
        "path",
        "resource_path",
        "data_format",
        "schema_id",
        "schema_version",
        "source",
        "connection_spec_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **CreateOperator.template_fields_renderers,
        "columns": "json",
    }

    def __init__(
        self,
        *,
        base_connection_id: str,
        table: str | None = None,
        columns: list[str] | list[dict[str, Any]] | str | None = None,
        path: str | None = None,
        resource_path: str | None = None,
        data_format: str | None = None,
        schema_id: str | None = None,
        schema_version: str = ADHOC_SCHEMA_VERSION,
        source: str | None = None,
        connection_spec_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        with airflow_errors():
            require_source(source, connection_spec_id, "connection_spec_id")
        self.base_connection_id = base_connection_id
        self.table = table
        self.columns = columns
        self.path = path
        self.resource_path = resource_path
        self.data_format = data_format
        self.schema_id = schema_id
        self.schema_version = schema_version
        self.source = source
        self.connection_spec_id = connection_spec_id

    def resource(self) -> Resource:
        from airflow_provider_payments.aep.resources.flow_service import SourceConnection

        columns = as_list("columns", self.columns)
        return SourceConnection(
            base_connection_id=self.base_connection_id,
            spec_id=as_optional_text("connection_spec_id", self.connection_spec_id) or self._source_spec_id(),
            data_format=self.data_format,
            table=self.table,
            columns=None if columns is None else tuple(columns),
            path=self.path,
            resource_path=self.resource_path,
            schema_id=self.schema_id,
            schema_version=self.schema_version,
            **self.common,
        )

    def execute(self, context: Context) -> dict[str, Any]:
        """Find or create it; explore the REST resource that it reads."""
        made = super().execute(context)
        if resource_path := as_optional_text("resource_path", self.resource_path):
            made["columns"] = self._attributes(resource_path)
        return made

    def _attributes(self, resource_path: str) -> list[str] | None:
        from airflow_provider_payments.aep.api import flow_service
        from airflow_provider_payments.aep.api.attributes import Attributes

        try:
            found = flow_service.attributes(self.hook.client, self.base_connection_id, resource_path)
        except PlatformError as error:
            # The attributes serve a check only; the source connection does not need them.
            self.log.warning("Cannot explore %r; mappings of it cannot be checked: %s", resource_path, error)
            return None
        # Of a resource that has no rows yet explore may show nothing but the root.
        return found if Attributes(tuple(found)).is_tree else None

    def _source_spec_id(self) -> str:
        source = find_source(self.source)
        wrong = "resource_path" if source.tabular else "table"
        if as_optional_text(wrong, getattr(self, wrong)):
            place = "tables" if source.tabular else "REST resources (resource_path)"
            raise InvalidInputError(wrong, getattr(self, wrong), f"{source.title} offers {place}")
        return source.spec_id


class CreateDatasetBaseConnectionOperator(CreateOperator):
    """Create the data lake as a base connection, as the oldest document does before a target connection."""

    def resource(self) -> Resource:
        from airflow_provider_payments.aep.resources.flow_service import DatasetBaseConnection

        return DatasetBaseConnection(**self.common)


class CreateTargetConnectionOperator(CreateOperator):
    """
    Create the target connection: the dataset that the rows land in.

    :param dataset_id: the dataset.
    :param schema_id: the target schema's ``$id``, the same as the dataset's and the mapping set's.
    :param schema_version: the content type that asks for it; its major version must be theirs too.
    :param base_connection_id: a dataset base connection, in the oldest document only.
    :param data_format: ``parquet_xdm`` in older documents; left out today.
    :param connection_spec_id: the data lake's; the service takes no other.
    """

    template_fields: Sequence[str] = (
        *CreateOperator.template_fields,
        "dataset_id",
        "schema_id",
        "schema_version",
        "base_connection_id",
        "data_format",
        "connection_spec_id",
    )

    def __init__(
        self,
        *,
        dataset_id: str,
        schema_id: str,
        schema_version: str = SCHEMA_VERSION,
        base_connection_id: str | None = None,
        data_format: str | None = None,
        connection_spec_id: str = DATA_LAKE_SPEC_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset_id = dataset_id
        self.schema_id = schema_id
        self.schema_version = schema_version
        self.base_connection_id = base_connection_id
        self.data_format = data_format
        self.connection_spec_id = connection_spec_id

    def resource(self) -> Resource:
        from airflow_provider_payments.aep.resources.flow_service import TargetConnection

        return TargetConnection(
            dataset_id=self.dataset_id,
            schema_id=self.schema_id,
            schema_version=self.schema_version,
            base_connection_id=self.base_connection_id,
            data_format=self.data_format,
            spec_id=self.connection_spec_id,
            **self.common,
        )
