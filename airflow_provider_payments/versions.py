"""What differs between the Airflow versions that are supported (2.11 to 3.3), and nothing else."""

from __future__ import annotations

from typing import Any


def form_widgets(fields: dict[str, Any]) -> dict[str, Any]:
    """
    Return the connection form's extra fields as Airflow 2.11 to 3.1 want them; from 3.2 on, provider info holds them.

    :param fields: the ``conn-fields`` of provider info.
    """
    from flask_appbuilder.fieldwidgets import (  # type: ignore[import-not-found,unused-ignore]
        BS3PasswordFieldWidget,
        BS3TextFieldWidget,
    )
    from wtforms import PasswordField, StringField  # type: ignore[import-untyped,unused-ignore]

    def widget(label: str, secret: bool) -> Any:
        kind, look = (PasswordField, BS3PasswordFieldWidget) if secret else (StringField, BS3TextFieldWidget)
        return kind(label, widget=look())

    return {name: widget(f["label"], f["schema"].get("format") == "password") for name, f in fields.items()}
