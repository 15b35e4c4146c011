# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Enumerations with GDAL's values, as Rasterio names them."""

from enum import Enum, IntEnum

from . import _later


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


__getattr__ = _later.names(__name__, "MergeAlg OverviewResampling TransformDirection TransformMethod WktVersion")
