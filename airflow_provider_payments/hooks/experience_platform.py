"""The hook, which creates a client of Experience Platform from an Airflow connection."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, BaseHook

from airflow_provider_payments.aep.errors import InvalidInputError, RequestError
from airflow_provider_payments.aep.inputs import as_text
from airflow_provider_payments.get_provider_info import CONNECTION_FIELDS, FIELD_BEHAVIOUR
from airflow_provider_payments.hooks.errors import airflow_errors

if TYPE_CHECKING:
    # The client is imported at the first request, not when a DAG is parsed.
    from airflow_provider_payments.aep.api.client import Client
    from airflow_provider_payments.aep.provisioning.provisioned import Provisioned
    from airflow_provider_payments.aep.resources.base import Resource
    from airflow_provider_payments.aep.resources.marks import Writer
    from airflow_provider_payments.aep.resources.sources import Source

__all__ = ["ExperiencePlatformHook"]

#: Maximum number of times that a connection test sends each of its requests.
TEST_ATTEMPTS = 2


class ExperiencePlatformHook(BaseHook):
    """
    Use the APIs of one sandbox of Adobe Experience Platform.

    Fields of the Airflow connection: login = client id, password = client secret, host = platform URL (default
    ``https://platform.adobe.io``); in the extra ``org_id`` and ``sandbox`` (both required), ``scopes`` (text or a
    list), ``ims_url``, ``access_token`` (instead of the secret), ``connect_timeout`` and ``read_timeout``, ``proxies``,
    ``verify`` (path of a CA bundle), ``settle_seconds``, ``dataflow_settle_seconds`` and ``operation_timeout``,
    ``marks`` and ``read_only`` (true or false). Times are seconds or ISO 8601 text such as ``PT1M``.

    The constructor does not read the connection or send a request; the first use of :attr:`client` reads it.

    .. seealso:: ``docs/connection.md#fields`` in the manual, for each field, its default and its unit.

    :param aep_conn_id: id of the Airflow connection. Defaults to ``"aep_default"``.
    """

    conn_name_attr = "aep_conn_id"
    default_conn_name = "aep_default"
    conn_type = "aep"
    hook_name = "Adobe Experience Platform"

    def __init__(self, aep_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.aep_conn_id = aep_conn_id

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's extra fields, for Airflow before 3.2."""
        from airflow_provider_payments.versions import form_widgets

        return form_widgets(CONNECTION_FIELDS)

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the form's labels for Airflow before 3.2, whose keys are those of provider info with underscores."""
        return {key.replace("-", "_"): value for key, value in FIELD_BEHAVIOUR.items()}

    @cached_property
    def client(self) -> Client:
        """
        The client that the connection describes.

        :raises InvalidInputError: if a field of the connection is missing or wrong.
        """
        from airflow_provider_payments.hooks.connection import client_from

        return client_from(self.get_connection(as_text("aep_conn_id", self.aep_conn_id)))

    @classmethod
    def vendor_credential(cls, conn_id: str, source: Source) -> dict[str, str]:
        """
        Return the credential for a vendor's base connections.

        :param conn_id: id of the Airflow connection that holds the vendor's credential.
        :param source: the vendor's source.
        :raises InvalidInputError: naming the fields that the connection lacks.
        """
        from airflow_provider_payments.hooks.connection import vendor_credential

        return vendor_credential(cls.get_connection(conn_id), source)

    def get_conn(self) -> Client:
        """Return :attr:`client`."""
        return self.client

    def test_connection(self) -> tuple[bool, str]:
        """
        Test the connection with a request; return whether it works, and a message.

        The message of a failure names its cause: a field, the credential, the organisation, the sandbox, a URL, the
        network, or the service.
        """
        from airflow_provider_payments.aep.api import flow_service
        from airflow_provider_payments.hooks.connection import client_from, explanation

        try:
            # A new client with few attempts, because a person waits for the result.
            client = client_from(self.get_connection(as_text("aep_conn_id", self.aep_conn_id)))
            client.transport.attempts = TEST_ATTEMPTS
        except InvalidInputError as error:
            return False, f"Connection field: {error}"
        except AirflowException as error:
            return False, str(error)
        try:
            next(flow_service.pages(client, "flowSpecs", limit=1), None)
        except RequestError as error:
            return False, explanation(client, error)
        return True, f"Connected to sandbox {client.sandbox!r} of {client.org_id}"

    def provision(
        self,
        resource: Resource,
        *,
        if_exists: str = "reuse",
        attempt: int = 1,
        writer: Writer | None = None,
        remove_duplicates: bool = False,
    ) -> Provisioned:
        """
        Find or create ``resource``; see :func:`airflow_provider_payments.aep.provisioning.ensure.ensure`.

        :param resource: the desired value.
        :param if_exists: how to treat an existing object of the name: ``reuse`` adopts one that matches, and fails with
            the differences if none does; ``update`` changes the fields that can be changed; ``fail`` refuses any
            object that existed before. Defaults to ``"reuse"``.
        :param attempt: Airflow's try number; from the second on, an earlier try may have created the object. Defaults
            to ``1``.
        :param writer: the chain, the DAG run and the DAG in the object's mark. Defaults to ``None``: the chain
            ``manual``.
        :param remove_duplicates: whether to delete unused duplicates that earlier tries and runs of the same chain
            left. Defaults to ``False``.
        :raises ExperiencePlatformFailedError: if another try cannot succeed.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        from airflow_provider_payments.aep.provisioning.ensure import ensure

        with airflow_errors():
            return ensure(
                self.client,
                resource,
                if_exists=if_exists,
                attempt=attempt,
                writer=writer,
                remove_duplicates=remove_duplicates,
            )

    def test_base_connection(self, connection_id: str) -> bool:
        """
        Return whether Experience Platform can log in to the vendor with a base connection's credential.

        :param connection_id: id of the base connection.
        :raises ExperiencePlatformFailedError: if another try cannot succeed.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        from airflow_provider_payments.aep.api import flow_service

        with airflow_errors():
            return flow_service.test_base_connection(self.client, connection_id)

    def explore_base_connection(
        self, connection_id: str, table: str | None = None, *, resource_path: str | None = None
    ) -> Any:
        """
        Return a base connection's tables, the columns of a table, or the structure of a REST resource.

        :param connection_id: id of the base connection.
        :param table: path of a table whose columns to return. Defaults to ``None``: the tables.
        :param resource_path: path of a REST resource, instead of a table. Defaults to ``None``.
        :raises ExperiencePlatformFailedError: if another try cannot succeed.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        from airflow_provider_payments.aep.api import flow_service

        with airflow_errors():
            if resource_path:
                return flow_service.explore_resource(self.client, connection_id, resource_path)
            return flow_service.explore(self.client, connection_id, table)

    def preview_base_connection(
        self, connection_id: str, table: str | None = None, *, resource_path: str | None = None
    ) -> list[dict[str, Any]]:
        """
        Return some rows of a base connection's table, or of a REST resource.

        :param connection_id: id of the base connection.
        :param table: path of the table. Defaults to ``None``.
        :param resource_path: path of a REST resource, instead of a table. Defaults to ``None``.
        :raises ExperiencePlatformFailedError: if another try cannot succeed.
        :raises ExperiencePlatformUnavailableError: if another try may succeed.
        """
        from airflow_provider_payments.aep.api import flow_service

        with airflow_errors():
            if resource_path:
                answer: Any = flow_service.explore_resource(self.client, connection_id, resource_path, preview=True)
            else:
                answer = flow_service.explore(self.client, connection_id, table, preview=True)
        return list(answer.get("data") or ()) if isinstance(answer, dict) else []
