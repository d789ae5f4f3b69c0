package dev.libretto.text;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The SHA-256 of a text's characters as UTF-8. */
final class TextHash {
    private static final int CHUNK = 1 << 16;

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
        for (int start = 0; start < count; start += CHUNK) {
            String chunk = new String(codePoints, start, Math.min(CHUNK, count - start));
            digest.update(chunk.getBytes(StandardCharsets.UTF_8));
        }
    }

    String hex() {
        return HexFormat.of().formatHex(digest.digest());
    }
}
