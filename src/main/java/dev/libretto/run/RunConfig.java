package dev.libretto.run;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.annotation.OptBoolean;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import dev.libretto.LibrettoException;
import dev.libretto.device.Build;
import dev.libretto.model.ModelConfig;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.TrainConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/**
 * What a run was started with, stored as {@code config.json}. {@link Json} has defaults for what older files lack.
 *
 * @param origin where its first weights came from; null if they were drawn
 */
@JsonPropertyOrder({"format", "libretto"})
@JsonIgnoreProperties(
        value = {"format", "libretto"},
        allowGetters = true)
public record RunConfig(
        CorpusInfo corpus,
        ModelConfig model,
        TrainConfig training,
        @JacksonInject(useInput = OptBoolean.TRUE) ReportConfig report,

        @JacksonInject(useInput = OptBoolean.TRUE) @JsonInclude(JsonInclude.Include.NON_NULL)
        Origin origin) {
    /** The format of {@code config.json}. Files of format 1 do not say so. */
    static final int FORMAT = 2;

    public RunConfig {
        if (corpus == null || model == null || training == null || report == null) {
            throw new IllegalArgumentException("one of corpus, model, training and report is missing");
        }
        training.requireLayersOf(model);
    }

    public RunConfig(CorpusInfo corpus, ModelConfig model, TrainConfig training) {
        this(corpus, model, training, ReportConfig.DEFAULT, null);
    }

    static RunConfig read(Path file) throws IOException {
        String json = Disk.readText(file, Json.MAX_BYTES);
        JsonNode root = Json.peek(json);
        int written = root.path("format").asInt(1);
        if (written > FORMAT) {
            throw new LibrettoException(String.format(
                    Locale.ROOT,
                    "%s was written by Libretto %s in format %d; this is Libretto %s, which reads formats up to %d; use a"
                            + " newer version",
                    file,
                    LibrettoException.oneLine(root.path("libretto").asText("?")),
                    written,
                    Build.current().version(),
                    FORMAT));
        }
        return Json.parse(json, file, new TypeReference<>() {});
    }

    @JsonProperty
    int format() {
        return FORMAT;
    }

    @JsonProperty
    String libretto() {
        return Build.current().version();
    }

    /** Returns whether U+FFFD, if in the vocabulary, stands for all unknown characters. */
    boolean hasUnknownCharacter() {
        return origin == null ? corpus.unknownCharacter() : origin.unknownCharacter();
    }

    /** Returns whether the vocabulary is that of the run's text alone, which is in code point order. */
    boolean hasVocabularyOfText() {
        return corpus.known() && origin == null;
    }

    public RunConfig withTraining(TrainConfig newTraining) {
        return new RunConfig(corpus, model, newTraining, report, origin);
    }

    public RunConfig withReport(ReportConfig newReport) {
        return new RunConfig(corpus, model, training, newReport, origin);
    }
}
