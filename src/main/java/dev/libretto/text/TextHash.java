package dev.libretto.text;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The SHA-256 of a text's characters as UTF-8. The end of a document is the byte FF, which UTF-8 does not have. */
final class TextHash {
    private static final int CHUNK = 1 << 16;
    private static final byte END = (byte) 0xFF;

    private final MessageDigest digest;

    TextHash() {
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }

    static String of(int... codePoints) {
        TextHash hash = new TextHash();
        hash.update(codePoints, codePoints.length);
        return hash.hex();
    }

    void update(int[] codePoints, int count) {
        int start = 0;
        for (int i = 0; i < count; i++) {
            if (codePoints[i] == Vocabulary.END) {
                update(codePoints, start, i);
                digest.update(END);
                start = i + 1;
            }
        }
        update(codePoints, start, count);
    }

    private void update(int[] codePoints, int from, int to) {
        for (int start = from; start < to; start += CHUNK) {
            String chunk = new String(codePoints, start, Math.min(CHUNK, to - start));
            digest.update(chunk.getBytes(StandardCharsets.UTF_8));
        }
    }

    String hex() {
        return HexFormat.of().formatHex(digest.digest());
    }
}
