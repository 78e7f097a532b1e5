"""The names of file formats: what a resource's `format` is normalised to, and what an extension tells."""

from __future__ import annotations

import mimetypes
from pathlib import PurePosixPath
from urllib.parse import urlsplit

# Canonical name: media type, then other spellings and extensions, all in lower case.
FORMATS: dict[str, tuple[str, ...]] = {
    "CSV": ("text/csv",),
    "Excel CSV": ("text/csv; profile=excel",),
    "TSV": ("text/tab-separated-values", "tab"),
    "JSON": ("application/json",),
    "JSON Lines": ("application/x-ndjson", "jsonl", "ndjson", "jsonlines", "application/jsonl"),
    "GeoJSON": ("application/geo+json", "application/vnd.geo+json"),
    "JSON-LD": ("application/ld+json", "jsonld"),
    "TopoJSON": ("application/topo+json",),
    "XML": ("application/xml", "text/xml"),
    "XLS": ("application/vnd.ms-excel", "excel"),
    "XLSX": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsm"),
    "ODS": ("application/vnd.oasis.opendocument.spreadsheet",),
    "ODT": ("application/vnd.oasis.opendocument.text",),
    "ODP": ("application/vnd.oasis.opendocument.presentation",),
    "DOC": ("application/msword", "word"),
    "DOCX": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document",),
    "PPT": ("application/vnd.ms-powerpoint",),
    "PPTX": ("application/vnd.openxmlformats-officedocument.presentationml.presentation",),
    "PDF": ("application/pdf",),
    "RTF": ("application/rtf", "text/rtf"),
    "TXT": ("text/plain", "text"),
    "MD": ("text/markdown", "markdown"),
    "HTML": ("text/html", "htm", "web page"),
    "EPUB": ("application/epub+zip",),
    "Parquet": ("application/vnd.apache.parquet", "application/parquet", "pq"),
    "GeoParquet": ("application/vnd.apache.parquet; profile=geo", "geoparquet"),
    "PMTiles": ("application/vnd.pmtiles",),
    "Arrow": ("application/vnd.apache.arrow.file", "feather", "ipc"),
    "Avro": ("application/avro",),
    "ORC": ("application/vnd.apache.orc",),
    "SQLite": ("application/vnd.sqlite3", "application/x-sqlite3", "sqlite3", "db"),
    "GeoPackage": ("application/geopackage+sqlite3", "gpkg"),
    "MDB": ("application/x-msaccess", "access", "accdb"),
    "DBF": ("application/dbase", "dbase"),
    "SHP": ("application/vnd.shp", "shapefile", "esri shapefile", "application/x-shapefile"),
    "KML": ("application/vnd.google-earth.kml+xml",),
    "KMZ": ("application/vnd.google-earth.kmz",),
    "GPX": ("application/gpx+xml",),
    "GML": ("application/gml+xml",),
    "DXF": ("image/vnd.dxf",),
    "DWG": ("image/vnd.dwg",),
    "GTFS": ("application/gtfs+zip",),
    "GTFS-RT": ("application/x-protobuf; profile=gtfs-rt", "gtfs-realtime", "gtfsrt"),
    "GeoTIFF": ("image/tiff; application=geotiff", "geotif"),
    "NetCDF": ("application/netcdf", "nc", "application/x-netcdf"),
    "GRIB": ("application/wmo-grib", "grib2", "grb"),
    "HDF5": ("application/x-hdf5", "hdf", "h5"),
    "LAS": ("application/vnd.las",),
    "LAZ": ("application/vnd.laszip",),
    "ECW": ("image/ecw",),
    "WMS": ("application/vnd.ogc.wms_xml", "ogc wms"),
    "WFS": ("application/vnd.ogc.wfs_xml", "ogc wfs"),
    "WCS": ("application/vnd.ogc.wcs_xml", "ogc wcs"),
    "WMTS": ("application/vnd.ogc.wmts_xml", "ogc wmts"),
    "CSW": ("application/vnd.ogc.csw_xml", "ogc csw"),
    "SOS": ("application/vnd.ogc.sos_xml", "ogc sos"),
    "Esri REST": ("application/x-esri-rest", "arcgis geoservices rest api", "esri_rest"),
    "RDF": ("application/rdf+xml", "rdf/xml"),
    "TTL": ("text/turtle", "turtle"),
    "N3": ("text/n3",),
    "N-Triples": ("application/n-triples", "nt"),
    "SPARQL": ("application/sparql-results+xml",),
    "SDMX": ("application/vnd.sdmx.structurespecificdata+xml", "sdmx-ml"),
    "PX": ("text/x-pcaxis", "pc-axis"),
    "SAV": ("application/x-spss-sav", "spss"),
    "DTA": ("application/x-stata-dta", "stata"),
    "RDS": ("application/x-rds",),
    "RData": ("application/x-rdata", "rda"),
    "ICS": ("text/calendar", "ical", "icalendar"),
    "RSS": ("application/rss+xml",),
    "Atom": ("application/atom+xml", "atom feed"),
    "API": ("application/vnd.api", "rest", "rest api"),
    "OpenAPI": ("application/openapi+json", "swagger"),
    "ZIP": ("application/zip", "application/x-zip-compressed"),
    "GZIP": ("application/gzip", "gz", "application/x-gzip"),
    "TAR": ("application/x-tar", "tgz"),
    "BZ2": ("application/x-bzip2", "bzip2"),
    "XZ": ("application/x-xz",),
    "7Z": ("application/x-7z-compressed",),
    "RAR": ("application/vnd.rar", "application/x-rar-compressed"),
    "JPEG": ("image/jpeg", "jpg"),
    "PNG": ("image/png",),
    "GIF": ("image/gif",),
    "SVG": ("image/svg+xml",),
    "TIFF": ("image/tiff", "tif"),
    "BMP": ("image/bmp",),
    "WEBP": ("image/webp",),
    "MP3": ("audio/mpeg",),
    "WAV": ("audio/wav", "audio/x-wav"),
    "MP4": ("video/mp4",),
    "WEBM": ("video/webm",),
    "YAML": ("application/yaml", "yml"),
    "SQL": ("application/sql",),
    "PBF": ("application/x-protobuf", "osm.pbf"),
    "OSM": ("application/vnd.openstreetmap.data+xml",),
}

_CANONICAL = {spelling: name for name, others in FORMATS.items() for spelling in (name.lower(), *others)}
_MEDIA_TYPES = {name: others[0] for name, others in FORMATS.items()}
_COMPRESSED = {".gz", ".bz2", ".xz", ".zst"}


def canonical_format(written: str) -> str:
    """Return the one spelling of a format, or the text as written when the table does not know it."""
    return _CANONICAL.get(written.strip().lower().lstrip("."), written.strip())


def _extension(url: str) -> str:
    try:
        path = PurePosixPath(urlsplit(url).path)
    except ValueError:  # an address such as http://[ is kept as it is
        return ""
    suffix = path.suffix.lower()
    inner = PurePosixPath(path.stem).suffix.lower()
    return (inner if suffix in _COMPRESSED and inner else suffix).lstrip(".")


def format_of_url(url: str) -> str:
    """Return the format that the extension of an address tells, a compression aside; empty when it tells none."""
    return _CANONICAL.get(_extension(url), "")


def media_type_of_url(url: str) -> str | None:
    """Return the media type that the extension of an address tells, or null."""
    name = format_of_url(url)
    if name:
        return _MEDIA_TYPES[name]
    return mimetypes.guess_type(urlsplit(url).path)[0] if _extension(url) else None
