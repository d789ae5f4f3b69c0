package dev.libretto.text;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The files of a text, concatenated in order as {@code cat} does.
 *
 * @param skipped entries of the directories that are not read
 */
public record CorpusFiles(String name, List<Path> named, List<Path> files, List<Path> skipped) {
    private static final Pattern TEXT = Pattern.compile("(?i)[^.].*\\.txt(\\.gz|\\.zip)?");

    /**
     * Returns the given files. A directory stands for its text files, sorted by name: {@code .txt}, {@code .txt.gz} and
     * {@code .txt.zip}, without hidden ones.
     */
    public static CorpusFiles of(List<Path> named) throws IOException {
        List<Path> files = new ArrayList<>();
        List<Path> skipped = new ArrayList<>();
        for (Path path : named) {
            if (!Files.isDirectory(path)) {
                files.add(path);
                continue;
            }
            int before = files.size();
            for (Path entry : list(path)) {
                (isText(entry) ? files : skipped).add(entry);
            }
            if (files.size() == before) {
                throw new LibrettoException(
                        path + " is a directory without a text file (.txt, .txt.gz or .txt.zip); name another");
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

    private static boolean isText(Path path) {
        return TEXT.matcher(path.getFileName().toString()).matches() && !Files.isDirectory(path);
    }
}
