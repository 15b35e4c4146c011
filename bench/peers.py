# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""The one set of tuned options that peers are measured with."""

RASTERIO_TUNED = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "VSI_CACHE": "TRUE",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_VERSION": "2",
    "GDAL_NUM_THREADS": "ALL_CPUS",
}


def rasterio_gs(endpoint: str) -> dict[str, str]:
    """Options with which Rasterio reads an emulator without credentials."""
    return {"CPL_GS_ENDPOINT": endpoint.rstrip("/") + "/", "GS_NO_SIGN_REQUEST": "YES"}


def rasterio_s3(endpoint: str) -> dict[str, str]:
    """Options with which Rasterio reads an emulator's S3 interface without credentials."""
    host = endpoint.split("//")[1].rstrip("/")
    return {"AWS_S3_ENDPOINT": host, "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE", "AWS_NO_SIGN_REQUEST": "YES"}
