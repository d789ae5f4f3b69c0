package dev.libretto.text;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** The containers of a text. */
enum Packing {
    PLAIN {
        @Override
        byte[] pack(byte[] text) {
            return text;
        }
    },
    GZIP {
        @Override
        byte[] pack(byte[] text) throws IOException {
            ByteArrayOutputStream packed = new ByteArrayOutputStream();
            try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
                gzip.write(text);
            }
            return packed.toByteArray();
        }
    },
    /** Concatenated, like {@code cat a.gz b.gz}. */
    TWO_GZIPS {
        @Override
        byte[] pack(byte[] text) throws IOException {
            ByteArrayOutputStream packed = new ByteArrayOutputStream();
            for (int half = 0; half < 2; half++) {
                try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
                    int middle = text.length / 2;
                    gzip.write(text, half * middle, half == 0 ? middle : text.length - middle);
                }
            }
            return packed.toByteArray();
        }
    },
    ZIP {
        @Override
        byte[] pack(byte[] text) throws IOException {
            return zip(text, ZipEntry.DEFLATED);
        }
    },
    ZIP_STORED {
        @Override
        byte[] pack(byte[] text) throws IOException {
            return zip(text, ZipEntry.STORED);
        }
    };

    abstract byte[] pack(byte[] text) throws IOException;

    private static byte[] zip(byte[] text, int method) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(packed)) {
            zip.putNextEntry(new ZipEntry("readme.md"));
            ZipEntry entry = new ZipEntry("song.txt");
            entry.setMethod(method);
            if (method == ZipEntry.STORED) {
                CRC32 crc = new CRC32();
                crc.update(text);
                entry.setCrc(crc.getValue());
                entry.setSize(text.length);
            }
            zip.putNextEntry(entry);
            zip.write(text);
        }
        return packed.toByteArray();
    }
}
