"""What can go wrong around the data.

Faults *in* the data are values in a quality report; these exceptions are for the environment and for broken definitions::

    PublisherError
    ├── DescriptorError      a definition or a setting is wrong           exit 2
    ├── ReleaseRefused       the data may not be released as it is        exit 1
    │   ├── DriftError       other columns than the definition states
    │   ├── VolumeError      other numbers of rows than the bounds allow
    │   ├── ThresholdExceeded  more failing rows than a rule allows
    │   ├── BatchTooSmall    fewer changed units than a policy lets out together
    │   └── DisclosureRisk   the privacy gate or the checker said no
    └── EnvironmentFault     something around us is missing or broken     exit 3
        ├── SourceError      an agency system
        ├── StorageError     the object storage
        ├── CatalogueRejected  the catalogue
        ├── DiskFull         this machine's disk
        └── LeaseHeld        another process works on the same dataset

Every message names the dataset, the step, what happened and the cure, and never a cell value.
"""

from __future__ import annotations

import errno


class PublisherError(Exception):
    """Base of all publisher errors; picklable, so that it survives the way between processes."""

    exit_code = 3
    reason_code = "unknown"

    def __init__(self, message: str, *, dataset: str = "", step: str = "", cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.dataset = dataset
        self.step = step
        self.cure = cure

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.dataset, self.step) if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} Cure: {self.cure}" if self.cure else text

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.dataset, self.step, self.cure))


def _rebuild(kind: type[PublisherError], message: str, dataset: str, step: str, cure: str) -> PublisherError:
    return kind(message, dataset=dataset, step=step, cure=cure)


class DescriptorError(PublisherError):
    """A definition or setting is wrong; the message names file and line."""

    exit_code = 2
    reason_code = "definition"


class ReleaseRefused(PublisherError):  # noqa: N818  refused is the word of the workflow
    """The data may not be released as it is; the public keeps the previous release."""

    exit_code = 1


class DriftError(ReleaseRefused):
    """The source delivered other columns than the definition states."""

    reason_code = "drift"


class VolumeError(ReleaseRefused):
    """The number of rows moved further than the definition's bounds allow, or there are none at all."""

    reason_code = "volume"


class ThresholdExceeded(ReleaseRefused):
    """More rows failed the checks than a threshold allows; they wait in quarantine."""

    reason_code = "threshold"


class BatchTooSmall(ReleaseRefused):
    """Fewer units changed than the policy lets out together; they wait for the next window."""

    reason_code = "batch"


class DisclosureRisk(ReleaseRefused):
    """Personal data would leave, or a guarantee of the privacy policy does not hold."""

    reason_code = "privacy"


class EnvironmentFault(PublisherError):  # noqa: N818  a fault around us, not of the data
    """Something around the publisher is missing or broken; a later run may succeed."""


class SourceError(EnvironmentFault):
    """An agency system did not answer as agreed."""

    reason_code = "source"


class StorageError(EnvironmentFault):
    """The object storage refused, vanished or is full."""

    reason_code = "storage"


class CatalogueRejected(EnvironmentFault):
    """The catalogue did not take the registration."""

    reason_code = "catalogue"


class DiskFull(EnvironmentFault):
    """There is no space left on this machine."""

    reason_code = "storage"


def tells_of_full_disk(error: BaseException) -> bool:
    """Return whether an error of the system, of Arrow, DuckDB or SQLite says that there is no space left."""
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return True
    text = str(error).lower()
    return "no space left" in text or "disk is full" in text


class LeaseHeld(EnvironmentFault):
    """Another process works on this dataset."""

    reason_code = "lease"
