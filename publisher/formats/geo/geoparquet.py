"""GeoParquet 1.1: the released rows with their geometry as WKB and a box of each, for range reads and for every engine.

Standard: https://geoparquet.org/releases/v1.1.0/.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from publisher.formats.datapackage import table_to_schema
from publisher.formats.geo.features import property_fields, read_features, spec_of
from publisher.formats.sink import Sink
from publisher.formats.whole_file import whole_file
from publisher.geometry.declared import declared_geometry
from publisher.geometry.reading import Shapes
from publisher.geometry.spec import BBOX_COLUMN, GEOMETRY_COLUMN
from publisher.published import PublishedTable, arrow_schema

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_BBOX = pa.struct([(corner, pa.float64()) for corner in _CORNERS])


@contextmanager
def geoparquet_sink(table: PublishedTable, output: Path, *, release: str) -> Iterator[Sink]:
    """Write the released GeoParquet file; same rows and release give the same bytes.

    The fields of the table, without one that holds the geometry itself, then `geometry` (WKB, longitude and latitude in WGS 84, outer
    rings counter-clockwise; null where a row lies nowhere) and `bbox`. Each batch is a row group.

    Raises:
        ReleaseRefused: a field holds what is no geometry.
        StorageError: the file cannot be written.
    """
    schema = geoparquet_schema(table)
    seen = _Seen()
    with (
        whole_file(output) as part,
        pq.ParquetWriter(
            part,
            schema,
            compression="zstd",
            compression_level=3,
            version="2.6",
            write_page_index=True,
            store_schema=False,
        ) as writer,
    ):

        def put(batch: pa.RecordBatch) -> None:
            properties, shapes = read_features(batch, table)
            boxes = seen.add(shapes)
            columns = [*properties.columns, pa.array(shapely.to_wkb(shapes), pa.binary()), _bbox_column(boxes)]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema), row_group_size=batch.num_rows)

        yield put
        writer.add_key_value_metadata(
            {
                "geo": json.dumps(_geo_metadata(seen), sort_keys=True),
                "phusa.release": release,
                "phusa.table": table.name,
                "phusa.table_schema": json.dumps(table_to_schema(table), ensure_ascii=False, sort_keys=True),
                "phusa.geometry": json.dumps(declared_geometry(spec_of(table)), ensure_ascii=False, sort_keys=True),
            }
        )


def geoparquet_schema(table: PublishedTable) -> pa.Schema:
    """Return the columns of the file and their types."""
    schema = arrow_schema(property_fields(table))
    return schema.append(pa.field(GEOMETRY_COLUMN, pa.binary())).append(pa.field(BBOX_COLUMN, _BBOX))


class _Seen:
    """The kinds of geometry and the box of all rows so far."""

    def __init__(self) -> None:
        self.types: set[str] = set()
        self.box = np.array([np.inf, np.inf, -np.inf, -np.inf])

    def add(self, shapes: Shapes) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Note a batch and return the box of each row; NaN where a row lies nowhere."""
        kinds = shapely.get_type_id(shapes)
        self.types |= {shapely.GeometryType(kind).name for kind in np.unique(kinds) if kind >= 0}
        boxes: np.ndarray[Any, np.dtype[np.float64]] = shapely.bounds(shapes)
        if (kinds >= 0).any():
            self.box[:2] = np.fmin(self.box[:2], np.nanmin(boxes[:, :2], axis=0))
            self.box[2:] = np.fmax(self.box[2:], np.nanmax(boxes[:, 2:], axis=0))
        return boxes


def _bbox_column(boxes: np.ndarray[Any, np.dtype[np.float64]]) -> pa.Array:
    nowhere = np.isnan(boxes[:, 0])
    corners = [pa.array(boxes[:, place], pa.float64(), mask=nowhere) for place in range(4)]
    return pa.StructArray.from_arrays(corners, fields=list(_BBOX), mask=pa.array(nowhere))


_STANDARD_TYPES = {
    "POINT": "Point",
    "LINESTRING": "LineString",
    "POLYGON": "Polygon",
    "MULTIPOINT": "MultiPoint",
    "MULTILINESTRING": "MultiLineString",
    "MULTIPOLYGON": "MultiPolygon",
}


def _geo_metadata(seen: _Seen) -> dict[str, Any]:
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted(_STANDARD_TYPES[name] for name in seen.types),
        "crs": _crs84(),
        "edges": "planar",
        "orientation": "counterclockwise",
        "covering": {"bbox": {corner: [BBOX_COLUMN, corner] for corner in _CORNERS}},
    }
    if seen.types:
        column["bbox"] = seen.box.tolist()
    return {"version": "1.1.0", "primary_column": GEOMETRY_COLUMN, "columns": {GEOMETRY_COLUMN: column}}


def _crs84() -> dict[str, Any]:
    """Return PROJJSON of longitude and latitude in WGS 84; the standard's default, written out for readers that want it."""

    def degrees(name: str, abbreviation: str, direction: str) -> dict[str, str]:
        return {"name": name, "abbreviation": abbreviation, "direction": direction, "unit": "degree"}

    return {
        "$schema": "https://proj.org/schemas/v0.7/projjson.schema.json",
        "type": "GeographicCRS",
        "name": "WGS 84 (CRS84)",
        "datum": {
            "type": "GeodeticReferenceFrame",
            "name": "World Geodetic System 1984",
            "ellipsoid": {"name": "WGS 84", "semi_major_axis": 6378137, "inverse_flattening": 298.257223563},
        },
        "coordinate_system": {
            "subtype": "ellipsoidal",
            "axis": [
                degrees("Geodetic longitude", "Lon", "east"),
                degrees("Geodetic latitude", "Lat", "north"),
            ],
        },
        "id": {"authority": "OGC", "code": "CRS84"},
    }
