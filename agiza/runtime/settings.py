"""Settings: read once, from the environment, in a service's ``__main__``. Nothing else looks at the environment.

    class OrdersSettings(ServiceSettings):
        database_url: DatabaseUrl
        redis_url: RedisUrl
        internal_token: Secret

    settings = read_settings(OrdersSettings)     # SettingsError names each missing or wrong variable

A field's variable is its name in capitals. What all services share is prefixed with AGIZA_.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

SECRET_CHARS_MIN: Final = 32
"""A shorter secret can be guessed; ``openssl rand -hex 32`` makes one of 64."""


class SettingsError(Exception):
    """The environment does not fit. ``problems`` has one line per variable, by its name, without any value."""

    retryable = False

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < SECRET_CHARS_MIN:
        raise ValueError(f"must have at least {SECRET_CHARS_MIN} characters (make one with: openssl rand -hex 32)")
    return secret


def _url_of(*schemes: str) -> AfterValidator:
    def check(url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return url

    return AfterValidator(check)


Secret = Annotated[SecretStr, AfterValidator(_long_enough)]
"""A shared secret or token."""

DatabaseUrl = Annotated[SecretStr, _url_of("postgresql", "postgres")]
"""A Postgres URL; it holds a password, so it is a secret as a whole."""

RedisUrl = Annotated[SecretStr, _url_of("redis", "rediss")]
"""A Redis or Valkey URL; it holds a password, so it is a secret as a whole."""

Port = Annotated[int, Field(ge=0, le=65535)]
"""0 lets the system choose a free one."""


class ServiceSettings(BaseSettings):
    """What every service has. Subclasses add their own fields; all are read-only."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    agiza_now: AwareDatetime | None = None
    """The moment at which this process believes to start; absent means the real time. Demo and tests only."""
    agiza_now_set_at: AwareDatetime | None = None
    """The real moment for which AGIZA_NOW was set, so that processes that start one after the other agree."""
    agiza_log_level: Literal["debug", "info", "warning", "error"] = "info"
    agiza_log_pii: bool = False
    """Whether fields with a caller's words or number may be logged. Never in production."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments (tests) before the environment; no hidden files."""
        return init_settings, env_settings


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


def read_settings(cls: type[SettingsT], **given: object) -> SettingsT:
    """The settings of this process; ``given`` (by field name) goes before the environment, for tests and the demo.

    Raises :class:`SettingsError`.
    """
    try:
        return cls.model_validate(given)  # runs the constructor, which reads the environment
    except ValidationError as error:
        raise SettingsError(tuple(_problem(item) for item in error.errors(include_url=False))) from None


def _problem(item: Any) -> str:  # pydantic's ErrorDetails is a TypedDict of typing_extensions, of no use here
    variable = "_".join(str(part) for part in item["loc"]).upper()
    if item["type"] == "missing":
        return f"{variable} is not set"
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{variable}: {message}" if variable else message  # of several variables, which it names
