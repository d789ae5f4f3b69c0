package dev.libretto.cli;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Creates damaged copies of a trained run. In {@code run~FILE~DAMAGE} every file whose name starts with FILE is damaged; in
 * {@code run~FILE~DAMAGE~sealed} the checksums match. DAMAGE is one of those in {@link #damage}, {@code FIELD=VALUE}, or the
 * name of a replacement content.
 */
final class BadRuns implements AutoCloseable {
    private static final Map<String, String> INSTEAD = Map.ofEntries(
            entry("null", "null"),
            entry("number", "5"),
            entry("string", "\"abc\""),
            entry("words", "not JSON"),
            entry("object", "{}"),
            entry("unclosed", "{"),
            entry("closed-twice", "{}}"),
            entry("list", "[]"),
            entry("list-of-numbers", "[1]"),
            entry("list-of-null", "[null]"),
            entry("list-of-lists", "[[\"a\"]]"),
            entry("list-of-words", "[\"ab\"]"),
            entry("list-of-nothing", "[\"\"]"),
            entry("list-of-one", "[\"a\"]"),
            entry("unsorted", "[\"b\", \"a\"]"),
            entry("doubled", "[\"a\", \"a\"]"),
            entry("deep", "[".repeat(100_000)));

    private final Path trained;
    private final List<FileChannel> locks = new ArrayList<>();

    /** @param trained a folder with {@code run}, {@code other} with other sizes, and {@code twin} with another text */
    BadRuns(Path trained) {
        this.trained = trained;
    }

    /** Creates the named run in a folder, if it is the name of one. */
    void make(Path folder, String name) throws IOException {
        String[] parts = name.split("~");
        if (!parts[0].equals("run")) {
            return;
        }
        Path run = folder.resolve(name);
        copy(trained.resolve("run"), run);
        for (Path file : parts.length == 1 ? List.<Path>of() : find(run, parts[1])) {
            damage(run, file, parts[2]);
            if (parts.length > 3) {
                seal(file.getParent());
            }
        }
    }

    private static List<Path> find(Path run, String name) throws IOException {
        List<Path> files = tree(run).stream()
                .filter(file -> file.getFileName().toString().startsWith(name))
                .toList();
        assertThat(files).as(name).isNotEmpty();
        return files;
    }

    private void damage(Path run, Path file, String damage) throws IOException {
        switch (damage) {
            case "missing" -> delete(file);
            case "empty" -> Files.write(file, new byte[0]);
            case "cut" -> Files.write(file, Arrays.copyOf(Files.readAllBytes(file), (int) Files.size(file) / 2));
            case "folder" -> {
                delete(file);
                Files.createDirectory(file);
            }
            case "file" -> {
                delete(file);
                Files.createFile(file);
            }
            case "flipped" -> flip(file);
            case "latin1" -> Files.write(file, new byte[] {'{', '"', (byte) 0xe9, '"', '}'});
            case "held" -> hold(file);
            case "end" -> Files.writeString(file, Files.readString(file).replaceFirst("\"[^\"]*\" ]", "\"\" ]"));
            case "text-gone" -> Files.writeString(file, withFiles(file, "[ \"gone.txt\" ]"));
            case "text-piped" -> Files.writeString(file, withFiles(file, "[ \"/dev/null\" ]"));
            case "text-built-in" -> Files.writeString(file, withFiles(file, "[ ]"));
            case "huge" -> {
                for (String change : List.of("cell=\"lstm\"", "layers=64", "hiddenSize=16384")) {
                    Files.writeString(file, edited(file, change));
                }
            }
            case "other", "twin" -> copy(trained.resolve(damage).resolve(run.relativize(file)), file);
            default -> Files.writeString(file, damage.contains("=") ? edited(file, damage) : INSTEAD.get(damage));
        }
    }

    private static void flip(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 1;
        Files.write(file, bytes);
    }

    private void hold(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
        channel.lock();
        locks.add(channel);
    }

    private static String withFiles(Path file, String files) throws IOException {
        return Files.readString(file).replaceFirst("(?<=\"files\" : )\\[[^]]*]", files);
    }

    /** Returns the file's JSON with another value of a field; without the field if the value is {@code -}. */
    private static String edited(Path file, String change) throws IOException {
        String field = change.substring(0, change.indexOf('='));
        String value = change.substring(change.indexOf('=') + 1);
        String good = Files.readString(file);
        Pattern pattern = Pattern.compile("\"" + field + "\" : [^,\\n]+,?");
        String bad = value.equals("-") ? "" : "\"" + field + "\" : " + value;
        Matcher matcher = pattern.matcher(good);
        assertThat(matcher.find()).as(change).isTrue();
        boolean last = !matcher.group().endsWith(",");
        return matcher.replaceFirst(Matcher.quoteReplacement(last || bad.isEmpty() ? bad : bad + ","));
    }

    /** Writes matching checksums of a checkpoint's files. */
    private static void seal(Path checkpoint) throws IOException {
        StringBuilder sums = new StringBuilder();
        for (Path file : tree(checkpoint)) {
            if (Files.isRegularFile(file) && !file.endsWith("SHA256SUMS")) {
                sums.append(Snapshot.sha256(file))
                        .append("  ")
                        .append(file.getFileName())
                        .append('\n');
            }
        }
        Files.writeString(checkpoint.resolve("SHA256SUMS"), sums);
    }

    private static void copy(Path from, Path to) throws IOException {
        delete(to);
        for (Path file : tree(from)) {
            Files.copy(file, to.resolve(from.relativize(file).toString()));
        }
    }

    private static void delete(Path tree) throws IOException {
        if (Files.exists(tree)) {
            List<Path> files = new ArrayList<>(tree(tree));
            Collections.reverse(files);
            for (Path file : files) {
                Files.delete(file);
            }
        }
    }

    private static List<Path> tree(Path root) throws IOException {
        try (Stream<Path> tree = Files.walk(root)) {
            return tree.sorted().toList();
        }
    }

    /** Releases the locks. */
    @Override
    public void close() throws IOException {
        for (FileChannel lock : locks) {
            lock.close();
        }
    }
}
