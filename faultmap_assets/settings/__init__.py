"""`faultmap.yaml`: what a user may decide, and where the settings are found."""

from faultmap_assets.settings.loading import (
    HOME_VARIABLE,
    SETTINGS_FILE,
    SETTINGS_NOTE,
    SETTINGS_VARIABLE,
    WITHOUT_MODEL_VARIABLE,
    first_problem,
    load_settings,
    record_settings_file,
    reload_needed,
    settings_at_import,
    settings_path,
    without_model,
)
from faultmap_assets.settings.project import DEFAULT_HOME, Settings
from faultmap_assets.settings.sections import (
    DatasetSettings,
    LanguageModelSettings,
    ModelUnderTestSettings,
    PriceSettings,
)

__all__ = [
    "DEFAULT_HOME",
    "HOME_VARIABLE",
    "SETTINGS_FILE",
    "SETTINGS_NOTE",
    "SETTINGS_VARIABLE",
    "WITHOUT_MODEL_VARIABLE",
    "DatasetSettings",
    "LanguageModelSettings",
    "ModelUnderTestSettings",
    "PriceSettings",
    "Settings",
    "first_problem",
    "load_settings",
    "record_settings_file",
    "reload_needed",
    "settings_at_import",
    "settings_path",
    "without_model",
]
