package dev.libretto.cli;

import dev.libretto.text.BadBytes;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusFiles;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.CorpusReader;
import dev.libretto.train.CorpusInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Loads the corpus that a command line names. */
final class CorpusLoader {
    private static final int SHOWN = 3;
    private static final long MIB = 1 << 20;
    private static final int NUL = 0;
    private static final Path DASH = Path.of("-");
    private static final Path STDIN = Path.of("/dev/stdin");

    private CorpusLoader() {}

    /** @param named files and directories, or - for stdin; empty for the built-in lyrics */
    static Corpus load(List<Path> named, CorpusOptions options, Console console) throws IOException {
        if (named.isEmpty()) {
            return Corpus.builtIn(options);
        }
        List<Path> paths =
                named.stream().map(path -> path.equals(DASH) ? STDIN : path).toList();
        CorpusFiles files = CorpusFiles.of(paths, options);
        List<String> skipped =
                files.skipped().stream().map(Path::toString).collect(Collectors.toCollection(ArrayList::new));
        Corpus corpus;
        try (WorkBar bar = console.workBar("reading")) {
            corpus = new CorpusReader(cache(System.getenv()), shownBy(bar, skipped, console)).read(files, options);
        }
        if (!skipped.isEmpty()) {
            console.warn(describeSkipped(skipped, options));
        }
        if (corpus.malformed() > 0) {
            console.warn(String.format(
                    Locale.ROOT,
                    "%s has %,d byte sequences that are not %s; they were %s",
                    corpus.name(),
                    corpus.malformed(),
                    options.encoding(),
                    options.badBytes() == BadBytes.REPLACE ? "read as U+FFFD" : "skipped"));
        }
        if (corpus.count(NUL) > 0) {
            console.warn(String.format(
                    Locale.ROOT,
                    "%s has %,d NUL characters (U+0000), which are not text; check the file and its encoding (%s)",
                    corpus.name(),
                    corpus.count(NUL),
                    options.encoding()));
        }
        return corpus;
    }

    /**
     * Returns the files that a run read.
     *
     * @param option names them again
     * @throws IllegalArgumentException if it read a pipe, of which nothing is left; a terminal under its name would wait for input
     */
    static List<Path> filesOf(CorpusInfo info, Flag<Path> option) {
        for (Path path : info.paths()) {
            boolean isPipe = Files.exists(path)
                    ? !Files.isRegularFile(path) && !Files.isDirectory(path)
                    : path.startsWith("/dev") || path.startsWith("/proc");
            if (isPipe) {
                throw new IllegalArgumentException("this run read " + path
                        + ", which is not a file, so its text is gone" + naming("; give it again", option));
            }
        }
        return info.paths();
    }

    /**
     * Reads a run's text again.
     *
     * @param option names it again; null if none does
     * @throws IllegalArgumentException if it is gone or another one
     */
    static Corpus loadAgain(CorpusInfo info, Path run, Flag<Path> option, Console console) throws IOException {
        if (!info.known()) {
            throw new IllegalArgumentException(
                    run + " was imported, so its training text is unknown" + naming("; name it", option));
        }
        Corpus corpus = load(filesOf(info, option), info.options().withMaxBytes(Long.MAX_VALUE), console);
        if (!corpus.sha256().equals(info.sha256())) {
            throw new IllegalArgumentException(corpus.name() + " is no longer the training text of " + run
                    + " (SHA-256 mismatch)" + naming("; name that text", option));
        }
        return corpus;
    }

    private static String naming(String advice, Flag<Path> option) {
        return option == null ? "" : advice + " with --" + option.name();
    }

    private static CorpusReader.Listener shownBy(WorkBar bar, List<String> skipped, Console console) {
        return new CorpusReader.Listener() {
            @Override
            public void read(long done, long total) {
                bar.at(done / MIB, total / MIB, () -> " MiB");
            }

            @Override
            public void indexed(Path index) {
                console.note("index: %s%n", index);
            }

            @Override
            public void skipped(String file) {
                skipped.add(file);
            }
        };
    }

    private static String describeSkipped(List<String> skipped, CorpusOptions options) {
        int more = skipped.size() - SHOWN;
        return "skipped, not " + options.describeInclude() + ": "
                + skipped.stream().limit(SHOWN).collect(Collectors.joining(", "))
                + (more > 0 ? " and " + more + " more" : "") + "; --include selects files by their names";
    }

    /** Returns the directory for index files of large texts. */
    static Path cache(Map<String, String> environment) {
        String own = environment.getOrDefault("LIBRETTO_CACHE", "");
        if (!own.isEmpty()) {
            return Path.of(own);
        }
        String ofUser = environment.getOrDefault("XDG_CACHE_HOME", "");
        return ofUser.isEmpty()
                ? Path.of(System.getProperty("user.home"), ".cache", "libretto")
                : Path.of(ofUser, "libretto");
    }
}
