package dev.libretto.run;

import dev.libretto.train.Require;
import dev.libretto.train.TrainConfig;
import java.util.List;
import java.util.Objects;

/**
 * What training reports. It changes nothing of what is learnt.
 *
 * @param every epochs between two reports
 * @param length characters to write after each prefix
 * @param prefixes texts to continue in a report; none for the default ones
 * @param tensorBoard whether event files for TensorBoard are written
 */
public record ReportConfig(int every, int length, List<String> prefixes, boolean tensorBoard) {
    /** The most characters after a prefix. */
    public static final int MAX_LENGTH = 1_000_000_000;

    /** The default, and what runs had before reports were part of their configuration. */
    public static final ReportConfig DEFAULT = new ReportConfig(50, 50, List.of(), false);

    /** @throws IllegalArgumentException naming the value that is out of range */
    public ReportConfig {
        Require.inRange("report every", every, 1, TrainConfig.MAX_EPOCHS);
        Require.inRange("report length", length, 1, MAX_LENGTH);
        Objects.requireNonNull(prefixes, "report prefixes");
        for (String prefix : prefixes) {
            Objects.requireNonNull(prefix, "one of the report prefixes");
        }
        prefixes = List.copyOf(prefixes);
    }
}
