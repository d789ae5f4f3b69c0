package dev.libretto.text;

import io.airlift.compress.zstd.ZstdOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

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
    },
    BZIP2 {
        @Override
        byte[] pack(byte[] text) throws IOException {
            return compressed(text, BZip2CompressorOutputStream::new);
        }
    },
    XZ {
        @Override
        byte[] pack(byte[] text) throws IOException {
            return compressed(text, out -> new XZOutputStream(out, new LZMA2Options(0)));
        }
    },
    ZSTD {
        @Override
        byte[] pack(byte[] text) throws IOException {
            return compressed(text, ZstdOutputStream::new);
        }
    },
    TAR {
        @Override
        byte[] pack(byte[] text) throws IOException {
            return tar(text);
        }
    },
    TAR_GZIP {
        @Override
        byte[] pack(byte[] text) throws IOException {
            return GZIP.pack(tar(text));
        }
    };

    private interface Compressor {
        OutputStream open(OutputStream out) throws IOException;
    }

    abstract byte[] pack(byte[] text) throws IOException;

    /** Returns whether damage is noticed. */
    boolean hasChecksum() {
        return this != PLAIN && this != TAR;
    }

    private static byte[] compressed(byte[] text, Compressor compressor) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (OutputStream out = compressor.open(packed)) {
            out.write(text);
        }
        return packed.toByteArray();
    }

    /** With a directory, a file that is not a text, and the text. */
    private static byte[] tar(byte[] text) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(packed)) {
            tar.putArchiveEntry(new TarArchiveEntry("songs/"));
            tar.closeArchiveEntry();
            for (String name : List.of("songs/readme.md", "songs/song.txt")) {
                TarArchiveEntry entry = new TarArchiveEntry(name);
                byte[] bytes = name.endsWith(".md") ? new byte[] {'m', 'd'} : text;
                entry.setSize(bytes.length);
                tar.putArchiveEntry(entry);
                tar.write(bytes);
                tar.closeArchiveEntry();
            }
        }
        return packed.toByteArray();
    }

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
