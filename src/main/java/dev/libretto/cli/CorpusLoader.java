package dev.libretto.cli;

import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusFiles;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.CorpusReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Loads the corpus that a command line names. */
final class CorpusLoader {
    private static final int SHOWN = 3;
    private static final long MIB = 1 << 20;
    private static final int NUL = 0;

    private CorpusLoader() {}

    /** @param named files and directories; empty for the built-in lyrics */
    static Corpus load(List<Path> named, CorpusOptions options, Console console) throws IOException {
        if (named.isEmpty()) {
            return Corpus.builtIn(options);
        }
        CorpusFiles files = CorpusFiles.of(named);
        if (!files.skipped().isEmpty()) {
            console.warn(describeSkipped(files.skipped()));
        }
        Corpus corpus;
        try (WorkBar bar = console.workBar("reading")) {
            corpus = new CorpusReader(cache(System.getenv()), shownBy(bar, console)).read(files, options);
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

    private static CorpusReader.Listener shownBy(WorkBar bar, Console console) {
        return new CorpusReader.Listener() {
            @Override
            public void read(long done, long total) {
                bar.at(done / MIB, total / MIB, () -> " MiB");
            }

            @Override
            public void indexed(Path index) {
                console.note("index: %s%n", index);
            }
        };
    }

    private static String describeSkipped(List<Path> skipped) {
        int more = skipped.size() - SHOWN;
        return "skipped, not .txt, .txt.gz or .txt.zip: "
                + skipped.stream().limit(SHOWN).map(Path::toString).collect(Collectors.joining(", "))
                + (more > 0 ? " and " + more + " more" : "");
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
