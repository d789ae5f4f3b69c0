package dev.libretto.run;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Collectors;

/** {@code samples.jsonl}: a line for each report, {@link ReportedTexts}. There is no file before the first one. */
final class SamplesFile {
    static final String NAME = "samples.jsonl";

    /** Enough for all but the longest texts, and few enough to read at once. */
    private static final int MAX_BYTES = 1 << 26;

    private final Path path;

    SamplesFile(Path path) {
        this.path = path;
    }

    /** @throws LibrettoException if the file would become too large */
    void append(ReportedTexts report) throws IOException {
        byte[] line = (report.line() + "\n").getBytes(StandardCharsets.UTF_8);
        if (line.length + (Files.exists(path) ? Files.size(path) : 0) > MAX_BYTES) {
            throw new LibrettoException(path + " would have more than " + MAX_BYTES + " bytes");
        }
        Files.write(path, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /** Removes the reports after an epoch, and a line cut off by a crash. */
    void cutAfter(int epoch) throws IOException {
        if (Files.exists(path)) {
            AtomicWrite.file(
                    path,
                    read().stream()
                            .filter(report -> report.epoch() <= epoch)
                            .map(report -> report.line() + "\n")
                            .collect(Collectors.joining()));
        }
    }

    /** Returns the reports up to a line that is none, such as one cut off by a crash or still being written. */
    List<ReportedTexts> read() throws IOException {
        String text = Files.exists(path) ? Disk.readText(path, MAX_BYTES) : "";
        return text.substring(0, text.lastIndexOf('\n') + 1)
                .lines()
                .map(ReportedTexts::parse)
                .takeWhile(report -> report != null)
                .toList();
    }
}
