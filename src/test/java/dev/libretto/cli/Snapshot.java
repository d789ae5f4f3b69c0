package dev.libretto.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The content of a folder. */
final class Snapshot {
    private Snapshot() {}

    /** Maps each path to the hash of a file, the target of a link, or a folder. */
    static SortedMap<String, String> of(Path folder) throws IOException {
        SortedMap<String, String> content = new TreeMap<>();
        List<Path> paths;
        try (Stream<Path> tree = Files.walk(folder)) {
            paths = tree.toList();
        }
        for (Path path : paths) {
            content.put(folder.relativize(path).toString(), describe(path));
        }
        return content;
    }

    private static String describe(Path path) throws IOException {
        if (Files.isSymbolicLink(path)) {
            return "link to " + Files.readSymbolicLink(path);
        }
        if (Files.isDirectory(path)) {
            return "folder";
        }
        return Files.isReadable(path) ? sha256(path) : "unreadable";
    }

    static String sha256(Path file) throws IOException {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
