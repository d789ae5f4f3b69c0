package dev.libretto.run;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** The SHA-256 checksums of a checkpoint's files, in the format of {@code sha256sum --check}. */
final class Checksums {
    static final String FILE = "SHA256SUMS";

    private static final int MAX_BYTES = 1 << 16;

    private Checksums() {}

    static void write(Path directory) throws IOException {
        Files.write(directory.resolve(FILE), lines(directory));
    }

    /**
     * Throws for the first file of the checkpoint that is missing, unexpected or changed; other files are not
     * Libretto's.
     */
    static void verify(Path directory) throws IOException {
        Path sums = directory.resolve(FILE);
        if (!Files.isDirectory(directory)) {
            throw new LibrettoException(directory + " is damaged: it is not a directory");
        }
        String content = Disk.readText(sums, MAX_BYTES);
        List<String> written = content.lines().toList();
        List<String> actual = lines(directory);
        for (String line : actual) {
            if (!written.contains(line)) {
                throw new LibrettoException(directory.resolve(line.substring(line.indexOf(' ') + 2))
                        + " is damaged: its SHA-256 does not match " + FILE);
            }
        }
        if (!content.equals(String.join("\n", actual) + "\n")) {
            throw new LibrettoException(sums + " is damaged: it does not list the files in the directory");
        }
    }

    private static List<String> lines(Path directory) throws IOException {
        List<String> lines = new ArrayList<>();
        for (Path file : Disk.list(directory)) {
            if (!file.endsWith(FILE) && RunFiles.isOfCheckpoint(file)) {
                lines.add(sha256(file) + "  " + file.getFileName());
            }
        }
        return lines;
    }

    private static String sha256(Path file) throws IOException {
        Disk.requireFile(file);
        try (InputStream input = Files.newInputStream(file);
                DigestInputStream digesting = new DigestInputStream(input, MessageDigest.getInstance("SHA-256"))) {
            digesting.transferTo(OutputStream.nullOutputStream());
            return HexFormat.of().formatHex(digesting.getMessageDigest().digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
