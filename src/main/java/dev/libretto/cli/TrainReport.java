package dev.libretto.cli;

import dev.libretto.generate.Decoder;
import dev.libretto.generate.EagerModel;
import dev.libretto.model.Weights;
import dev.libretto.run.ReportConfig;
import dev.libretto.run.RunDirectory;
import dev.libretto.train.EpochMetrics;
import dev.libretto.train.TrainingListener;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Reports as the textbook does: perplexity, time, and a greedy continuation of each prefix. */
final class TrainReport implements TrainingListener {
    private final Console console;
    private final RunDirectory run;
    private final List<String> prefixes;
    private final ReportConfig config;
    private final Consumer<List<String>> samples;
    /** Null if every report was written. */
    private OutputException failure;

    /**
     * @param config when to report; the last epoch always is
     * @param samples receives the prefixes with their continuations
     */
    TrainReport(
            Console console,
            RunDirectory run,
            List<String> prefixes,
            ReportConfig config,
            Consumer<List<String>> samples) {
        this.console = console;
        this.run = run;
        this.prefixes = prefixes;
        this.config = config;
        this.samples = samples;
    }

    @Override
    public void epochEnded(EpochMetrics metrics, Supplier<Weights> weights) {
        console.detail(
                "epoch %d of %d: loss %f, perplexity %f, %.3f s, %,.0f characters/s, learning rate %s%n",
                metrics.epoch(),
                run.config().training().epochs(),
                metrics.loss(),
                metrics.perplexity(),
                metrics.seconds(),
                metrics.charsPerSecond(),
                metrics.learningRate());
        if (metrics.epoch() % config.every() == 0) {
            report(metrics, weights);
        }
    }

    @Override
    public void trainingEnded(EpochMetrics metrics, Supplier<Weights> weights) {
        if (metrics.epoch() % config.every() != 0) {
            report(metrics, weights);
        }
    }

    private void report(EpochMetrics metrics, Supplier<Weights> weights) {
        StringBuilder report = new StringBuilder(String.format(
                Locale.ROOT,
                "epoch %d, perplexity %f,%s time %.2f sec%n",
                metrics.epoch(),
                metrics.perplexity(),
                metrics.validationLoss() == null
                        ? ""
                        : String.format(Locale.ROOT, " validation perplexity %f,", metrics.validationPerplexity()),
                metrics.seconds()));
        List<String> texts = new ArrayList<>();
        try (EagerModel model = new EagerModel(run.config().model(), weights.get())) {
            Decoder decoder = new Decoder(model);
            for (String prefix : prefixes) {
                StringBuilder text = new StringBuilder(prefix);
                decoder.write(
                        List.of(run.vocabulary().encode(prefix)),
                        1,
                        Decoder.Options.greedy(config.length()),
                        (row, id, logProbability) ->
                                text.append(run.vocabulary().decode(id)));
                report.append(" - ").append(text).append(System.lineSeparator());
                texts.add(text.toString());
            }
        }
        samples.accept(texts);
        try {
            console.out().print(report);
            console.out().flush();
        } catch (OutputException e) {
            // Training continues; requireWritten reports the failure at the end.
            failure = e;
        }
    }

    /** Throws if a report could not be written. */
    void requireWritten() {
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public void rolledBack(String message) {
        console.warn(message);
    }
}
