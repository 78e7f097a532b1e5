"""How dropped files are written: the part `format` of a file source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from publisher.policy import Strict

Encoding = Literal[
    "utf-8", "utf-16", "windows-1258", "tcvn3", "tcvn3-capitals", "vni", "viqr", "viscii", "windows-1252", "latin-1",
    "mac-roman",
]  # fmt: skip
ENCODED = "Confirmed against the bytes and turned into composed Unicode (NFC). `tcvn3` is ABC; `tcvn3-capitals` is for files set in its capital fonts."


class Footer(Strict):
    """Rows at the end that are no data: totals, sources, signatures. How many were left out is noted."""

    starts_with: list[str] = Field(
        default_factory=list,
        description="From the first row on whose first filled cell starts with one of these texts, no row is data; more than 50 such rows are an error.",
    )
    rows: int = Field(0, ge=0, le=50, description="So many filled rows at the end are no data.")

    @model_validator(mode="after")
    def _says_something(self) -> Footer:
        if not self.rows and not any(text.strip() for text in self.starts_with):
            raise ValueError("state `starts_with` or `rows`")
        return self


class _Rows(Strict):
    """What texts in columns and sheets have in common: which rows are header, data and footer."""

    header_rows: list[Annotated[int, Field(ge=1)]] = Field(
        default_factory=lambda: [1],
        min_length=1,
        description="1-based rows that form the header; several are joined by a space. Rows above are left out.",
    )
    header_fill: bool = Field(
        False, description="An empty cell of an upper header row takes the text to its left, as below a merged cell."
    )
    first_row: int | None = Field(
        None, ge=1, description="1-based row where the data begin; when absent, the one below the header."
    )
    comment: str | None = Field(None, min_length=1, description="Rows that begin with this text are left out.")
    footer: Footer | None = Field(None, description="Which rows at the end are totals, sources or signatures.")
    fill_down: list[str] = Field(
        default_factory=list,
        description="Columns in which an empty cell takes the value above it, as merged cells leave them.",
    )


class CsvFormat(_Rows):
    """A delimited text; what the definition states is confirmed against the bytes."""

    kind: Literal["csv"]
    encoding: Encoding = Field("utf-8", description=ENCODED)
    delimiter: str = Field(",", min_length=1, max_length=1)
    quote: Literal['"', "'", ""] = Field('"', description="Empty: quotes are ordinary letters.")
    header: bool = Field(True, description="False: the file has no header row, fields come in the definition's order.")
    skip_initial_space: bool = False
    decimal: Literal[".", ","] = "."
    ragged: Literal["fill", "error"] = Field(
        "fill",
        description="`fill`: a short row ends in nulls. A row with more filled cells than columns is always an error.",
    )


class FixedColumn(Strict):
    """A column of a fixed-width text."""

    name: str = Field(min_length=1)
    start: int = Field(ge=1, description="Position of its first letter, counted from 1.")
    width: int = Field(ge=1, description="In letters.")


class FixedWidthFormat(Strict):
    """A text whose columns stand at fixed positions; blanks around a value are no part of it."""

    kind: Literal["fixed_width"]
    columns: list[FixedColumn] = Field(min_length=1, description="Every column, also those that no field takes.")
    encoding: Encoding = Field("utf-8", description=ENCODED)
    first_row: int = Field(1, ge=1, description="1-based line where the data begin.")
    comment: str | None = Field(None, min_length=1, description="Lines that begin with this text are left out.")
    footer: Footer | None = Field(None, description="Which rows at the end are totals, sources or signatures.")
    fill_down: list[str] = Field(default_factory=list, description="As for `csv`.")


class JsonFormat(Strict):
    """One JSON document with a list of objects."""

    kind: Literal["json"]
    rows: str = Field("", description="Dotted path to the list of rows; empty: the document is the list.")


class NdjsonFormat(Strict):
    """One JSON object on each line."""

    kind: Literal["ndjson"]


class GeoJsonFormat(Strict):
    """Features, in one collection or one on each line; columns are the properties, `id` and `geometry` as GeoJSON text."""

    kind: Literal["geojson"]


class ParquetFormat(Strict):
    """Parquet; numbers, dates and truth values keep their type, decimals and all else become text."""

    kind: Literal["parquet"]


class ExcelFormat(_Rows):
    """Sheets of a workbook (.xls, .xlsx, .ods)."""

    kind: Literal["excel"]
    sheet: str | int | list[str | int] = Field(
        0, description="Name, glob or position of the sheet; several are read one after the other."
    )
    sheet_column: str | None = Field(None, min_length=1, description="Name of a column that tells each row's sheet.")
    stop_at_blank: bool = Field(True, description="Rows from the first wholly blank row on are footers, not data.")


FileFormat = Annotated[
    CsvFormat | ExcelFormat | FixedWidthFormat | JsonFormat | NdjsonFormat | GeoJsonFormat | ParquetFormat,
    Field(discriminator="kind"),
]
