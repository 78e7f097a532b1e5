"""The road of one file, read top to bottom: policy, rows, anonymised tables, the checker, the files and the report."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from publisher.anonymise import AnonymisedTables, anonymise_table
from publisher.disclosure.guarantees import Known, Verdict, check_release
from publisher.errors import DisclosureRisk
from publisher.facilities import Facilities
from publisher.ledger import Budget
from publisher.one_file.policy_file import PolicyFile, hierarchy_files, read_policy
from publisher.one_file.reading import ReadTable, read_table
from publisher.one_file.writing import bring_out, output_paths, refuse_replacing, write_checkable
from publisher.published import PublishedTable, published_tables
from publisher.secrets import Secrets

_FORMATS = ("parquet", "csv")
_OF_ROWS = (
    "loss", "discernibility", "average_class_size", "c_avg", "classes", "smallest_class", "rows", "published_rows", "suppressed_rows",
    "suppressed_share", "k", "l", "suppression_limit", "quasi_identifiers", "levels", "level_numbers", "nodes_checked",
)  # fmt: skip


@dataclass(frozen=True)
class Done:
    """What was written, and the report: numbers and names of fields, never a value."""

    files: dict[str, Path]
    report: dict[str, Any]


@dataclass(frozen=True)
class _Surroundings:
    """What a policy may need from outside: keys, and the budget that noise is paid from."""

    secrets: Secrets
    budget: Budget | None = None


def anonymise_file(
    file: Path,
    policy_path: Path,
    output: Path,
    *,
    schema: Path | None = None,
    report: Path | None = None,
    publisher: Callable[[], Facilities] | None = None,
) -> Done:
    """Anonymise a CSV, TSV or Parquet file; the output appears only when the checker found every guarantee in it.

    Args:
        file: the source.
        policy_path: its policy.
        output: where the rows go; aggregates stand beside them.
        schema: a Table Schema in JSON, whose fields decide their types.
        report: where the caller will write the report, so that no output takes its place.
        publisher: opens the publisher, whose ledgers pay for noise and whose own secret rounds cells; asked for these alone.

    Raises:
        DescriptorError: the policy is wrong or does not fit the file, or an output would replace what the run reads.
        ReleaseRefused: the data may not leave under this policy, and why; no output is written.
    """
    started = time.perf_counter()
    policy = read_policy(policy_path)
    sources = [file, policy_path, *([schema] if schema else []), *hierarchy_files(policy)]
    written = [output, *([report] if report else [])]
    refuse_replacing(sources, written)
    name = _table_name(output)
    with TemporaryDirectory(prefix="phusa-anonymise-") as temporary:
        work = Path(temporary)
        read = read_table(file, policy, work, name=name, schema=schema)
        files = output_paths(output, published_tables(read.table))
        refuse_replacing([*sources, *written], [path for path in files.values() if path != output])
        around = _surroundings(policy, name, publisher)
        anonymised = _anonymise(read, policy, around, work)
        checked = work / "checked"
        checked.mkdir()
        for published, path in anonymised.tables:
            write_checkable(path, published, checked, mixed=_is_mixed(published))
            path.unlink()
        verdict = _check(checked, anonymised, read, policy, around.budget)
        for published, _ in anonymised.tables:
            bring_out(checked, published, files[published.name], delimiter=read.delimiter)
    told = _report(read, policy, anonymised, verdict=verdict, files=files)
    return Done(files, told | {"total_seconds": round(time.perf_counter() - started, 3)})


def _table_name(output: Path) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", output.stem.casefold()).strip("_")
    return words if re.fullmatch(r"[a-z][a-z0-9_]*", words) else "table"


def _surroundings(policy: PolicyFile, name: str, publisher: Callable[[], Facilities] | None) -> _Surroundings:
    rounded = [table.or_round for table in policy.privacy.tables if table.or_round]
    noise = policy.privacy.dp
    if publisher is None or not (noise or any(one.key is None for one in rounded)):
        return _Surroundings(Secrets(os.environ))
    facilities = publisher()
    if noise is None:
        return _Surroundings(facilities.secrets)
    today, ledgers = datetime.now(UTC).date(), frozenset({noise.ledger.name})
    key = facilities.signing_key.private_bytes_raw()
    return _Surroundings(facilities.secrets, Budget(facilities.store, key, name, secrets.token_hex(8), today, ledgers))


def _anonymise(read: ReadTable, policy: PolicyFile, around: _Surroundings, work: Path) -> AnonymisedTables:
    return anonymise_table(
        read.valid,
        read.table,
        folder=policy.folder,
        output=work / "anonymised",
        secrets=around.secrets,
        release=secrets.token_hex(16),  # pseudonyms of two runs never meet
        seed=secrets.randbits(56),
        budget=around.budget,
    )


def _is_mixed(table: PublishedTable) -> bool:
    microdata = table.source.privacy.microdata
    return table.aggregate is None and microdata is not None and microdata.shuffle_rows


def _check(
    folder: Path, anonymised: AnonymisedTables, read: ReadTable, policy: PolicyFile, budget: Budget | None
) -> Verdict:
    verdict = check_release(
        folder,
        [published for published, _ in anonymised.tables],
        dataset=read.table.name,
        today=datetime.now(UTC).date(),
        definitions=policy.folder,
        rows_before={read.table.name: read.rows},
        formats=_FORMATS,
        known=Known(ledgers=budget.entries() if budget else None),
    )
    if not verdict.passed:
        found = "; ".join(f"{check.id} {check.detail}" for check in verdict.failures)
        raise DisclosureRisk(
            f"The checker refuses the output: {found}.",
            step="check",
            cure="drop or generalise the fields it names, or waive a finding with name and date",
        )
    return verdict


def _report(
    read: ReadTable, policy: PolicyFile, anonymised: AnonymisedTables, *, verdict: Verdict, files: Mapping[str, Path]
) -> dict[str, Any]:
    rows = anonymised.report.get(read.table.name, {})
    return {
        **{key: rows[key] for key in _OF_ROWS if key in rows},
        "seconds": round(anonymised.search_seconds, 3),
        "dropped": sorted({*rows.get("dropped", ()), *read.left_behind}),
        "tables": {name: {"file": files[name].name, **report} for name, report in anonymised.report.items()},
        "notes": list(policy.notes),
        "verdict": verdict.to_dict(),
    }
