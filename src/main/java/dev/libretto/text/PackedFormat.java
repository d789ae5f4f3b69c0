package dev.libretto.text;

import java.nio.charset.StandardCharsets;

/** What a text may be packed in, by its first bytes. */
enum PackedFormat {
    GZIP("\\x1f\\x8b", "gzip"),
    BZIP2("BZh[1-9](1AY&SY|\\x17rE8P\\x90)", "bzip2"),
    XZ("\\xfd7zXZ\\x00", "xz"),
    ZSTD("\\x28\\xb5\\x2f\\xfd", "zstd"),
    ZIP("PK(\\x03\\x04|\\x05\\x06)", "a zip archive"),
    TAR("", "a tar archive");

    private static final int TAR_CHECKSUM = 148;

    private static final int TAR_CHECKSUM_BYTES = 8;

    private final String start;
    private final String title;

    /** @param start a regular expression that matches the first bytes, decoded as Latin-1; empty for a tar, which has none */
    PackedFormat(String start, String title) {
        this.start = start;
        this.title = title;
    }

    /** Returns its name for messages. */
    String title() {
        return title;
    }

    /** @param head the first {@link FileFormat#HEAD_BYTES}, or fewer for a short file; null if not packed */
    static PackedFormat of(byte[] head) {
        String text = new String(head, StandardCharsets.ISO_8859_1);
        for (PackedFormat format : values()) {
            if (format == TAR ? isTar(head) : text.matches("(?s)(?:" + format.start + ").*")) {
                return format;
            }
        }
        return null;
    }

    /** Returns whether the checksum of a tar header is right; its own bytes count as spaces. */
    private static boolean isTar(byte[] head) {
        if (head.length < FileFormat.HEAD_BYTES) {
            return false;
        }
        String stored = new String(head, TAR_CHECKSUM, TAR_CHECKSUM_BYTES, StandardCharsets.ISO_8859_1)
                .replaceAll("[ \\x00]", "");
        int sum = TAR_CHECKSUM_BYTES * ' ';
        for (int i = 0; i < FileFormat.HEAD_BYTES; i++) {
            sum += i < TAR_CHECKSUM || i >= TAR_CHECKSUM + TAR_CHECKSUM_BYTES ? head[i] & 0xff : 0;
        }
        return stored.matches("[0-7]{1,7}") && Integer.parseInt(stored, 8) == sum;
    }
}
