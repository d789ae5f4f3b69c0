package dev.libretto.run;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.OptBoolean;
import dev.libretto.model.ModelConfig;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.TrainConfig;

/**
 * What a run was started with, stored as {@code config.json}.
 *
 * @param corpus the text it learns from
 * @param model the sizes of its model
 * @param training how it is trained
 * @param report what training reports; {@link Json} has a default for files written before there was this part
 */
public record RunConfig(
        CorpusInfo corpus,
        ModelConfig model,
        TrainConfig training,
        @JacksonInject(useInput = OptBoolean.TRUE) ReportConfig report) {
    /** @throws IllegalArgumentException if a part is missing */
    public RunConfig {
        if (corpus == null || model == null || training == null || report == null) {
            throw new IllegalArgumentException("one of corpus, model, training and report is missing");
        }
    }

    /** A run with the default reports. */
    public RunConfig(CorpusInfo corpus, ModelConfig model, TrainConfig training) {
        this(corpus, model, training, ReportConfig.DEFAULT);
    }

    /** Returns a copy with the given training settings. */
    public RunConfig withTraining(TrainConfig newTraining) {
        return new RunConfig(corpus, model, newTraining, report);
    }

    /** Returns a copy with the given reports. */
    public RunConfig withReport(ReportConfig newReport) {
        return new RunConfig(corpus, model, training, newReport);
    }
}
