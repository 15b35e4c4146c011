# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Enumerations with GDAL's values, as Rasterio names them."""

from __future__ import annotations

from enum import Enum, IntEnum


class Resampling(IntEnum):
    """How values between pixels are found."""

    nearest = 0
    bilinear = 1
    cubic = 2
    cubic_spline = 3
    lanczos = 4
    average = 5
    mode = 6
    gauss = 7
    max = 8
    min = 9
    med = 10
    q1 = 11
    q3 = 12
    sum = 13
    rms = 14


class ColorInterp(IntEnum):
    """What a band shows."""

    undefined = 0
    gray = 1
    grey = 1
    palette = 2
    red = 3
    green = 4
    blue = 5
    alpha = 6
    hue = 7
    saturation = 8
    lightness = 9
    cyan = 10
    magenta = 11
    yellow = 12
    black = 13
    Y = 14
    Cb = 15
    Cr = 16
    pan = 17
    coastal = 18
    rededge = 19
    nir = 20
    swir = 21
    mwir = 22
    lwir = 23
    tir = 24
    other_ir = 25
    sar_ka = 30
    sar_k = 31
    sar_ku = 32
    sar_x = 33
    sar_c = 34
    sar_s = 35
    sar_l = 36
    sar_p = 37


class MaskFlags(IntEnum):
    """Where a band's mask comes from."""

    all_valid = 1
    per_dataset = 2
    alpha = 4
    nodata = 8


class Compression(Enum):
    """Compression of a GeoTIFF."""

    jpeg = "JPEG"
    lzw = "LZW"
    packbits = "PACKBITS"
    deflate = "DEFLATE"
    ccittrle = "CCITTRLE"
    ccittfax3 = "CCITTFAX3"
    ccittfax4 = "CCITTFAX4"
    lzma = "LZMA"
    none = "NONE"
    zstd = "ZSTD"
    lerc = "LERC"
    lerc_deflate = "LERC_DEFLATE"
    lerc_zstd = "LERC_ZSTD"
    webp = "WEBP"
    jpeg2000 = "JPEG2000"


class Interleaving(Enum):
    """How bands are stored."""

    pixel = "PIXEL"
    line = "LINE"
    band = "BAND"
    tile = "TILE"


class PhotometricInterp(Enum):
    """Colour space of a GeoTIFF's blocks."""

    black = "MINISBLACK"
    white = "MINISWHITE"
    rgb = "RGB"
    cmyk = "CMYK"
    ycbcr = "YCbCr"
    cielab = "CIELAB"
    icclab = "ICCLAB"
    itulab = "ITULAB"


class MergeAlg(Enum):
    """Which value stands where shapes overlap."""

    replace = "REPLACE"
    add = "ADD"


class OverviewResampling(IntEnum):
    """How overviews are made: the members of ``Resampling`` that serve for it."""

    nearest = 0
    bilinear = 1
    cubic = 2
    cubic_spline = 3
    lanczos = 4
    average = 5
    mode = 6
    gauss = 7
    rms = 14


class TransformDirection(IntEnum):
    """From pixels to coordinates, or back."""

    forward = 1
    reverse = 0


class TransformMethod(Enum):
    """The attribute of a dataset that places its pixels."""

    affine = "transform"
    gcps = "gcps"
    rpcs = "rpcs"


class WktVersion(Enum):
    """Dialects of well-known text."""

    WKT2_2015 = "WKT2_2015"
    WKT2 = "WKT2"
    WKT2_2019 = "WKT2_2018"
    WKT1_GDAL = "WKT1_GDAL"
    WKT1 = "WKT1"
    WKT1_ESRI = "WKT1_ESRI"

    @classmethod
    def _missing_(cls, value: object) -> WktVersion:
        if value == "WKT2_2019":  # the year of the standard; the value is that of GDAL's draft
            return cls.WKT2_2019
        raise ValueError(f"Invalid value for WktVersion: {value}")
