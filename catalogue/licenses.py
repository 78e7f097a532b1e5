"""The licences a dataset can carry, under the ids that CKAN clients know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class License:
    """One licence: where it may be used (content, data, software) and whether it is open.

    Its mapping follows the Open Definition's licence list, https://opendefinition.org/licenses/api/.
    """

    id: str
    title: str
    url: str = ""
    use: str = "content data"
    is_open: bool = True
    is_generic: bool = False
    family: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the licence as `license_list` shows it: CKAN's flags are the texts "True" and "False"."""
        uses = self.use.split()
        known = "approved" if self.is_open else "not reviewed"
        return {
            "id": self.id,
            "title": self.title,
            "url": self.url,
            "family": self.family,
            "maintainer": "",
            "status": "active",
            "domain_content": str("content" in uses),
            "domain_data": str("data" in uses),
            "domain_software": str("software" in uses),
            "is_generic": str(self.is_generic),
            "od_conformance": known,
            "osd_conformance": "not reviewed",
        }


_COMMONS = "https://creativecommons.org"
_ODC = "https://opendatacommons.org/licenses"

LICENSES: tuple[License, ...] = (
    License("notspecified", "License not specified", use="", is_open=False, is_generic=True),
    License("odc-pddl", "Open Data Commons Public Domain Dedication and License (PDDL)", f"{_ODC}/pddl/", use="data"),
    License("odc-odbl", "Open Data Commons Open Database License (ODbL)", f"{_ODC}/odbl/", use="data"),
    License("odc-by", "Open Data Commons Attribution License", f"{_ODC}/by/", use="data"),
    License("cc-zero", "Creative Commons CC0", f"{_COMMONS}/publicdomain/zero/1.0/"),
    License("cc-by", "Creative Commons Attribution", f"{_COMMONS}/licenses/by/4.0/"),
    License("cc-by-sa", "Creative Commons Attribution Share-Alike", f"{_COMMONS}/licenses/by-sa/4.0/"),
    License("gfdl", "GNU Free Documentation License", "https://www.gnu.org/licenses/fdl-1.3.html", use="content"),
    License("other-open", "Other (Open)", is_generic=True),
    License("other-pd", "Other (Public Domain)", is_generic=True),
    License("other-at", "Other (Attribution)", is_generic=True),
    License(
        "uk-ogl",
        "UK Open Government Licence (OGL)",
        "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    ),
    License("cc-nc", "Creative Commons Non-Commercial (Any)", f"{_COMMONS}/licenses/by-nc/4.0/", is_open=False),
    License("other-nc", "Other (Non-Commercial)", is_open=False, is_generic=True),
    License("other-closed", "Other (Not Open)", use="", is_open=False, is_generic=True),
)

_ALIASES = {  # the ids of SPDX, under which other portals know the same licences
    "CC0-1.0": "cc-zero",
    "CC-BY-3.0": "cc-by",
    "CC-BY-4.0": "cc-by",
    "CC-BY-SA-3.0": "cc-by-sa",
    "CC-BY-SA-4.0": "cc-by-sa",
    "CC-BY-NC-4.0": "cc-nc",
    "PDDL-1.0": "odc-pddl",
    "ODbL-1.0": "odc-odbl",
    "ODC-By-1.0": "odc-by",
    "OGL-UK-3.0": "uk-ogl",
}
_ADDRESSES = (  # what the address of a licence holds, whatever its version, language and ending
    ("creativecommons.org/publicdomain/zero/", "cc-zero"),
    ("creativecommons.org/licenses/by/", "cc-by"),
    ("creativecommons.org/licenses/by-sa/", "cc-by-sa"),
    ("creativecommons.org/licenses/by-nc/", "cc-nc"),
    ("opendatacommons.org/licenses/pddl", "odc-pddl"),
    ("opendatacommons.org/licenses/odbl", "odc-odbl"),
    ("opendatacommons.org/licenses/by", "odc-by"),
    ("nationalarchives.gov.uk/doc/open-government-licence", "uk-ogl"),
)

LICENSE_BY_ID = {license_.id: license_ for license_ in LICENSES}
LICENSE_BY_ID |= {alias: LICENSE_BY_ID[id_] for alias, id_ in _ALIASES.items()}


def license_of_url(address: str) -> License | None:
    """Return the licence that lies at the address, or null."""
    return next((LICENSE_BY_ID[id_] for part, id_ in _ADDRESSES if part in address.lower()), None)
