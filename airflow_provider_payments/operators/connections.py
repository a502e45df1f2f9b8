"""Operators for base, source and target connections of Flow Service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_payments.aep.errors import InvalidInputError, PlatformError
from airflow_provider_payments.aep.inputs import as_list, as_optional_text, as_text
from airflow_provider_payments.aep.resources.sources import find_source, require_source
from airflow_provider_payments.aep.services import ADHOC_SCHEMA_VERSION, DATA_LAKE_SPEC_ID, SCHEMA_VERSION
from airflow_provider_payments.hooks.errors import airflow_errors
from airflow_provider_payments.operators.base import CreateOperator, FindOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.resources.kind import Kind, RemoteObject
    from airflow_provider_payments.aep.resources.sources import Source

__all__ = [
    "CreateBaseConnectionOperator",
    "CreateDatasetBaseConnectionOperator",
    "CreateSourceConnectionOperator",
    "CreateTargetConnectionOperator",
    "FindBaseConnectionOperator",
]


class CreateBaseConnectionOperator(CreateOperator):
    """
    Create a base connection: a vendor account's credential in Experience Platform, copied from an Airflow connection.

    The arguments of :class:`~airflow_provider_payments.operators.base.CreateOperator` apply too. The vendor's Airflow
    connection contains, for PayPal: login = client id, password = client secret, host = PayPal's API host (that of its
    sandbox is ``api.sandbox.paypal.com``); for Square: the same, and in the extra ``access_token`` and
    ``refresh_token``; for Stripe: password = API key. A credential never comes back from the service, so it is not
    compared with that of an existing base connection.

    .. seealso:: ``docs/connection.md#vendor-credentials`` in the manual.

    :param vendor_conn_id: id of the Airflow connection with the vendor's credential. (templated)
    :param source: ``paypal``, ``square`` or ``stripe``. Required, also through ``default_args``: no vendor is assumed.
        Defaults to ``None``, which is refused. (templated)
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
        """Return the desired base connection, with the credential of the vendor's Airflow connection."""
        from airflow_provider_payments.aep.resources.flow_service import BaseConnection

        source = find_source(self.source)
        credential = self.hook.vendor_credential(as_text("vendor_conn_id", self.vendor_conn_id), source)
        return BaseConnection(source=source, credential=credential, **self.common)


class FindBaseConnectionOperator(FindOperator):
    """
    Find the existing base connection of a vendor account, so that Airflow needs no credential of the vendor.

    The arguments of :class:`~airflow_provider_payments.operators.base.FindOperator` apply too. Returns
    :class:`~airflow_provider_payments.operators.outputs.CreatedObject`.

    .. seealso:: ``docs/operators.md#find-existing-objects`` in the manual.

    :param source: ``paypal``, ``square`` or ``stripe``; a base connection of another source is refused. Defaults to
        ``None``: of any source. (templated)
    """

    template_fields: Sequence[str] = (*FindOperator.template_fields, "source")

    def __init__(self, *, source: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = source

    def kind(self) -> Kind:
        """Return the kind of base connections, after a check of ``source``."""
        from airflow_provider_payments.aep.resources.flow_service import BASE_CONNECTION

        self._source()
        return BASE_CONNECTION

    def obstacle(self, existing: RemoteObject) -> str:
        """Return that a base connection is of another source than ``source``, empty if it is not."""
        source = self._source()
        spec_id = self.kind().fields_of(existing).text("connectionSpec", "id")
        return "" if source is None or spec_id == source.spec_id else f"it is no base connection of {source.title}"

    def _source(self) -> Source | None:
        given = as_optional_text("source", self.source)
        return find_source(given) if given else None


class CreateSourceConnectionOperator(CreateOperator):
    """
    Create the source connection: a table with its columns, a file's path, or a REST resource.

    The arguments of :class:`~airflow_provider_payments.operators.base.CreateOperator` apply too. Give one of ``table``,
    ``resource_path`` and ``path``. Returns
    :class:`~airflow_provider_payments.operators.outputs.CreatedSourceConnection`: ``columns`` are the names of the
    columns that are read; for a REST resource the paths of the attributes that explore lists, such as ``data.id``.
    The key is absent if they are not known.

    .. seealso:: ``docs/operators.md#steps`` in the manual.

    :param base_connection_id: id of the vendor account's base connection. (templated)
    :param table: path of a table, such as ``PayPal.Catalog_Products``; for sources that offer tables. Defaults to
        ``None``. (templated)
    :param columns: the table's columns: objects as explore returns them, or names, which get their types from explore
        when the source connection is created. Types are compared only for objects that contain them. Applies to
        ``table``. Defaults to ``None``: all columns that explore returns. (templated)
    :param path: path of a file, or of a table as the older documents send it; needs ``data_format``. Defaults to
        ``None``. (templated)
    :param resource_path: a REST resource, such as Stripe's ``charges``; for sources that offer REST resources. Defaults
        to ``None``. (templated)
    :param data_format: ``tabular``, ``delimited``, ``json``, ``parquet`` or ``parquet_xdm``; required with ``path``.
        Defaults to ``None``: ``tabular`` for a table, ``json`` for a REST resource. (templated)
    :param schema_id: ``$id`` of an ad-hoc schema, which the older documents require for a source connection. Defaults
        to ``None``. (templated)
    :param schema_version: content type by which that schema is requested; applies with ``schema_id``. Defaults to
        ``"application/vnd.adobe.xed-full-notext+json; version=1"``. (templated)
    :param source: ``paypal``, ``square`` or ``stripe``. Required unless ``connection_spec_id`` is given. Defaults to
        ``None``. (templated)
    :param connection_spec_id: id of the connection spec of another source; overrides ``source``. Defaults to ``None``:
        that of ``source``. (templated)
    :raises ExperiencePlatformFailedError: when the DAG is parsed, if ``source`` and ``connection_spec_id`` are absent.
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
        """Return the desired source connection."""
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
        """
        Find or create the source connection, and explore the REST resource that it reads, if any.

        :raises ExperiencePlatformFailedError: if another try cannot succeed.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        created = super().execute(context)
        resource_path = as_optional_text("resource_path", self.resource_path)
        if resource_path and (attributes := self._attributes(resource_path)) is not None:
            created["columns"] = attributes
        return created

    def _attributes(self, resource_path: str) -> list[str] | None:
        from airflow_provider_payments.aep.api import flow_service
        from airflow_provider_payments.aep.api.attributes import Attributes

        try:
            found = flow_service.attributes(self.hook.client, self.base_connection_id, resource_path)
        except PlatformError as error:
            # The attributes are needed only to check mappings, so the source connection is created nevertheless.
            self.log.warning("Cannot explore %r, so its mappings cannot be checked: %s", resource_path, error)
            return None
        # For a resource without rows, explore may list only its root, by which no mapping can be checked.
        return found if Attributes(tuple(found)).is_tree else None

    def _source_spec_id(self) -> str:
        source = find_source(self.source)
        unsuitable = "resource_path" if source.tabular else "table"
        if as_optional_text(unsuitable, getattr(self, unsuitable)):
            offered = "tables" if source.tabular else "REST resources (resource_path)"
            raise InvalidInputError(unsuitable, getattr(self, unsuitable), f"{source.title} offers {offered}")
        return source.spec_id


class CreateDatasetBaseConnectionOperator(CreateOperator):
    """
    Create a dataset base connection: a connection to the data lake, as the oldest document requires it.

    It is needed only for target connections that are set up after that document. The only arguments are those of
    :class:`~airflow_provider_payments.operators.base.CreateOperator`.

    .. seealso:: ``docs/operators.md#steps`` in the manual.
    """

    def resource(self) -> Resource:
        """Return the desired dataset base connection."""
        from airflow_provider_payments.aep.resources.flow_service import DatasetBaseConnection

        return DatasetBaseConnection(**self.common)


class CreateTargetConnectionOperator(CreateOperator):
    """
    Create the target connection: the dataset in which the rows land.

    The arguments of :class:`~airflow_provider_payments.operators.base.CreateOperator` apply too.

    .. seealso:: ``docs/operators.md#steps`` in the manual.

    :param dataset_id: id of the dataset. (templated)
    :param schema_id: ``$id`` of the target schema, the same as the dataset's and the mapping set's. (templated)
    :param schema_version: content type by which the schema is requested; its major version must be that of the dataset
        and the mapping set. Defaults to ``"application/vnd.adobe.xed-full+json;version=1"``. (templated)
    :param base_connection_id: id of a dataset base connection, as in the oldest document. Defaults to ``None``: none.
        (templated)
    :param data_format: ``parquet_xdm`` as in the older documents. Defaults to ``None``: not sent. (templated)
    :param connection_spec_id: id of the data lake's connection spec; the service accepts no other. Defaults to
        ``"c604ff05-7f1a-43c0-8e18-33bf874cb11c"``. (templated)
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
        """Return the desired target connection."""
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
