# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""QGIS of Debian, off-screen, through its Python: where it is installed. The data provider is GDAL's."""

from __future__ import annotations

import json
import pathlib
import subprocess

from conftest import NACRE, clean_environment, need
from gdal_hosts import Google
from test_contract import geotiff

SCRIPT = """
import json, sys
from qgis.core import QgsApplication, QgsRasterLayer, QgsVectorLayer, QgsPointXY
QgsApplication.setPrefixPath("/usr", True)
application = QgsApplication([], False)
application.initQgis()
root = sys.argv[1]
def value(name):
    layer = QgsRasterLayer(f"{root}/{name}", name)
    if not layer.isValid(): return "not valid"
    return layer.dataProvider().sample(layer.extent().center(), 1)[0]
def put(name, number):
    print("put", name, number, flush=True); sys.stdin.readline()
seen = [value("new.tif")]
put("new.tif", 1); seen.append(value("new.tif"))
put("new.tif", 2); seen.append(value("new.tif"))
put("other.tif", 3); seen.append(value("other.tif"))
seen.append(QgsVectorLayer(f"{root}/points.geojson", "points", "ogr").featureCount())
print(json.dumps(seen), flush=True)
application.exitQgis()
"""


def test_qgis_sees_what_others_write(gdal_store: Google, tmp_path: pathlib.Path) -> None:
    need("qgis")
    point = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [1, 2]}}
    gdal_store.put("points.geojson", json.dumps({"type": "FeatureCollection", "features": [point] * 3}).encode())
    environment = clean_environment(**gdal_store.options, QT_QPA_PLATFORM="offscreen", HOME=str(tmp_path))
    environment.pop("PYTHONPATH", None)
    told = subprocess.run([NACRE, "gdal-env", "--json"], capture_output=True, check=True, env=environment).stdout
    environment |= json.loads(told)["environment"] | {"XDG_RUNTIME_DIR": str(tmp_path)}
    (tmp_path / "script.py").write_text(SCRIPT)
    with (tmp_path / "stderr").open("w+") as said:
        child = subprocess.Popen(["/usr/bin/python3", tmp_path / "script.py", gdal_store.root], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=said, text=True, env=environment)  # fmt: skip
        seen = None
        with child:
            for line in child.stdout:
                if line.startswith("put "):
                    gdal_store.put(line.split()[1], geotiff(int(line.split()[2])))
                    child.stdin.write("\n")
                    child.stdin.flush()
                elif line.startswith("["):
                    seen = json.loads(line)
    assert seen == ["not valid", 1, 2, 3, 3], (tmp_path / "stderr").read_text()[-2000:]
