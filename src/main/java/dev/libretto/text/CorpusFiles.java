package dev.libretto.text;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The files of a text, concatenated in order as {@code cat} does.
 *
 * @param skipped entries of the directories that are not read
 */
public record CorpusFiles(String name, List<Path> named, List<Path> files, List<Path> skipped) {
    /**
     * Returns the given files. A directory stands for its files that {@code options} include, sorted by name; by default {@code
     * .txt}, also compressed, without hidden ones.
     */
    public static CorpusFiles of(List<Path> named, CorpusOptions options) throws IOException {
        List<Path> files = new ArrayList<>();
        List<Path> skipped = new ArrayList<>();
        for (Path path : named) {
            if (!Files.isDirectory(path)) {
                files.add(path);
                continue;
            }
            int before = files.size();
            for (Path entry : list(path)) {
                (isText(entry, options) ? files : skipped).add(entry);
            }
            if (files.size() == before) {
                throw new LibrettoException(path + " is a directory without a text file (" + options.describeInclude()
                        + "); name another, or include its files by a pattern of their names");
            }
        }
        String first = named.get(0).toString();
        String name = named.size() == 1 ? first : first + " and " + (named.size() - 1) + " more";
        return new CorpusFiles(name, List.copyOf(named), List.copyOf(files), List.copyOf(skipped));
    }

    private static List<Path> list(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.sorted().toList();
        }
    }

    private static boolean isText(Path path, CorpusOptions options) {
        return options.includes(path.getFileName().toString()) && !Files.isDirectory(path);
    }
}
