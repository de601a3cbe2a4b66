"""Makes the archives of the tests with Python's tarfile: names that need extended headers, written
in the two dialects that are in use, and one compressed. Pictures are bare text: nobody decodes them.

    python3 make_archive_fixtures.py
"""

import io
import pathlib
import tarfile

HERE = pathlib.Path(__file__).parent
LONG = "a" * 60 + "/" + "b" * 90
FILES = [
    ("plain.jpg", b"first"),
    ("plain.cls", b"3"),
    ("fünf/schöne Bilder.png", b"second picture"),
    ("fünf/schöne Bilder.cls", b"1\n"),
    (LONG + ".jpeg", b"third"),
    (LONG + ".json", b"{}"),
    (LONG + ".cls", b"0"),
]


def write(name, **options):
    with tarfile.open(HERE / name, **options) as archive:
        folder = tarfile.TarInfo("fünf")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for path, contents in FILES:
            member = tarfile.TarInfo(path)
            member.size = len(contents)
            archive.addfile(member, io.BytesIO(contents))


write("pax.tar", mode="w", format=tarfile.PAX_FORMAT)
write("gnu.tar", mode="w", format=tarfile.GNU_FORMAT)
write("compressed.tar.gz", mode="w:gz", format=tarfile.PAX_FORMAT)
