"""The page that shows the emulator's state: values here, HTML in ``templates``, no script."""
