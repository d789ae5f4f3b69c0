package dev.libretto.serve;

import dev.libretto.LibrettoException;
import dev.libretto.run.Disk;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;

/** The keys of clients. They are compared in constant time, by their hashes. */
public final class ApiKeys {
    private static final int MAX_BYTES = 1 << 20;

    private final List<byte[]> hashes;

    private ApiKeys(List<byte[]> hashes) {
        this.hashes = hashes;
    }

    static ApiKeys of(List<String> keys) {
        return new ApiKeys(keys.stream().map(ApiKeys::hash).toList());
    }

    /** Reads a file with one key per line; blank lines are skipped. */
    public static ApiKeys read(Path file) throws IOException {
        String text;
        try (InputStream input = Files.newInputStream(file)) {
            text = Disk.decodeUtf8(input.readNBytes(MAX_BYTES));
        } catch (CharacterCodingException e) {
            throw new LibrettoException(file + " is not UTF-8; write keys of letters and digits into it", e);
        } catch (FileSystemException e) {
            throw new LibrettoException(Disk.reason(e) + "; name a file with keys", e);
        } catch (IOException e) {
            throw new LibrettoException(file + ": " + Disk.reason(e) + "; name a file with keys", e);
        }
        List<String> keys =
                text.lines().map(String::strip).filter(key -> !key.isEmpty()).toList();
        if (keys.isEmpty()) {
            throw new LibrettoException(
                    file + " has no key; write one into it, such as the output of" + " \"openssl rand -hex 32\"");
        }
        for (String key : keys) {
            if (!key.matches("[!-~]+")) {
                throw new LibrettoException(file
                        + " has a key with a character that a request cannot send; write keys of letters and digits");
            }
        }
        return of(keys);
    }

    boolean contains(String key) {
        byte[] hash = hash(key);
        boolean isThere = false;
        for (byte[] known : hashes) {
            isThere |= MessageDigest.isEqual(known, hash);
        }
        return isThere;
    }

    private static byte[] hash(String key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }
}
