"""The forms of a table that has a geometry: GeoParquet, GeoJSON, vector tiles and a picture of the map."""

GEOPARQUET_ENDING = ".geo.parquet"
GEOJSON_ENDING = ".geojson.gz"
PMTILES_ENDING = ".pmtiles"
PICTURE_ENDING = ".map.svg"
GEO_ENDINGS = (GEOPARQUET_ENDING, GEOJSON_ENDING, PMTILES_ENDING)
"""The forms that hold rows; the picture is for pages."""
