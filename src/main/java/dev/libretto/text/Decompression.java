package dev.libretto.text;

import io.airlift.compress.zstd.ZstdInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.tukaani.xz.XZInputStream;

/** Opens compressed streams with libraries that Java loads with this class, so only when such a file is read. */
final class Decompression {
    /** {@code xz -9} needs 65 MiB; a damaged header may ask for 4 GiB. */
    private static final int XZ_MEMORY_KIB = 100 << 10;

    private Decompression() {}

    /** @param input at the first byte of one or more streams of the format */
    static InputStream open(PackedFormat format, InputStream input) throws IOException {
        return switch (format) {
            case BZIP2 -> new BZip2CompressorInputStream(input, true);
            case XZ -> new XZInputStream(input, XZ_MEMORY_KIB);
            // In Java; zstd-jni, which Commons Compress would use, writes a native library to the temp folder.
            case ZSTD -> new ZstdInputStream(input);
            default -> throw new IllegalArgumentException(format + " is not decompressed here");
        };
    }
}
