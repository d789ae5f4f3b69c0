package dev.libretto.train;

import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.text.Batches;
import dev.libretto.text.Ids;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * The loop over epochs: trains, measures, and saves what was learnt in a {@link CheckpointStore}.
 *
 * <p>Every batch takes one {@link Progress} to the next, and a checkpoint holds one of them with its arrays; so a run that
 * goes on from a checkpoint does the same as one that was never interrupted, bit for bit.
 */
public final class Trainer implements AutoCloseable {
    private final TrainConfig config;
    private final CheckpointStore store;
    private final Batches batches;
    private final TrainingListener listener;
    private final TrainStep step;
    private final Ids heldOut;
    /** Null without validation. */
    private final Evaluator validator;

    private final CheckpointClock clock;
    private Progress progress;
    /** The epoch whose batches are being trained; null before the first. */
    private Batches.Epoch epoch;
    /** What a divergence leaves: the end of the last whole epoch, or the start. */
    private Progress lastGood;
    /** The arrays of {@link #lastGood} while no checkpoint has them, else null. */
    private Snapshot unsaved;
    /** Where to begin; null once that is saved. */
    private Checkpoint start;

    /**
     * @param data the text to learn from and the one to validate on after each epoch
     * @param start where to start; {@link Checkpoint#start} for a new model
     * @param store where checkpoints go
     */
    public Trainer(
            ModelConfig model,
            TrainConfig config,
            TrainingData data,
            Checkpoint start,
            CheckpointStore store,
            TrainingListener listener) {
        this(
                model,
                config,
                data,
                start,
                store,
                listener,
                new TrainStep(model, config, start, data.batches().ids()));
    }

    /** @param step what to train with, which this closes */
    Trainer(
            ModelConfig model,
            TrainConfig config,
            TrainingData data,
            Checkpoint start,
            CheckpointStore store,
            TrainingListener listener,
            TrainStep step) {
        this.config = config;
        this.store = store;
        this.batches = data.batches();
        this.listener = listener;
        this.step = step;
        this.heldOut = data.heldOut();
        this.progress = start.progress();
        this.start = start;
        this.clock = new CheckpointClock(config.checkpoints().every());
        try {
            this.validator = data.heldOut().length() == 0 ? null : new Evaluator(model, config.batchSize());
        } catch (RuntimeException e) {
            step.close();
            throw e;
        }
    }

    /**
     * Trains for the epochs that the configuration asks for, and leaves a checkpoint.
     *
     * @return how far it came: all epochs, or where it was out of patience, or where it was asked to stop
     * @throws DivergenceException if the loss is lost and no rollback is left; the last good weights are kept
     * @throws IOException if a checkpoint cannot be saved
     */
    public Progress train() throws IOException {
        boolean stopped = false;
        while (progress.epoch() < config.epochs() && !config.validation().isOutOfPatience(progress) && !stopped) {
            List<TrainStep.Task> tasks = nextTasks();
            long before = System.nanoTime();
            List<TrainStep.Measures> measures = step.run(tasks);
            double seconds = (System.nanoTime() - before) / 1e9;
            begin();
            take(tasks, measures, seconds / tasks.size());
            stopped = listener.stopRequested();
        }
        begin();
        save();
        return progress;
    }

    /** Writes where training starts, once a batch has shown that it can; until then, the run directory does not change. */
    private void begin() throws IOException {
        if (start == null) {
            return;
        }
        listener.firstBatchComputed();
        store.begin(start);
        start = null;
        lastGood = store.epochStart(progress).orElse(progress);
        listener.trainingStarted();
    }

    /** The next batches: as many as a run takes, but none beyond the end of the epoch or a checkpoint. */
    private List<TrainStep.Task> nextTasks() {
        if (epoch == null || epoch.number() != progress.epoch()) {
            epoch = batches.epoch(progress.epoch());
        }
        int most = Math.min(epoch.count() - progress.batch(), clock.batchesLeft(progress));
        List<TrainStep.Task> tasks = new ArrayList<>();
        for (int i = 0; i < Math.min(step.batchesPerRun(), most); i++) {
            int index = progress.batch() + i;
            tasks.add(new TrainStep.Task(epoch.batch(index), learningRate(index), progress.step() + i + 1));
        }
        return tasks;
    }

    /** Goes through what a run of batches gave, up to the first that diverged: none after it counts. */
    private void take(List<TrainStep.Task> tasks, List<TrainStep.Measures> measures, double secondsEach)
            throws IOException {
        for (TrainStep.Measures ofBatch : measures) {
            if (hasDiverged(ofBatch)) {
                recover(ofBatch);
                return;
            }
            progress = progress.afterBatch(ofBatch.loss(), secondsEach);
            listener.batchEnded(progress, epoch.count(), ofBatch);
        }
        int last = tasks.size() - 1;
        if (progress.batch() == epoch.count()) {
            endEpoch(tasks.get(last).learningRate(), measures.get(last));
        } else if (clock.isDue(progress)) {
            save();
        }
    }

    /** The learning rate of a batch of the epoch that {@link #progress} is in. */
    private double learningRate(int batch) {
        return config.optimizer().learningRate().at(progress.epoch(), batch, batches.count())
                * progress.learningRateFactor();
    }

    private void endEpoch(double learningRate, TrainStep.Measures lastBatch) throws IOException {
        double seconds = progress.seconds();
        Progress ended = progress.afterEpoch();
        Supplier<Weights> weights = onFirstUse(step::weights);
        if (validator != null) {
            validator.load(weights.get());
            double loss = validator.evaluate(heldOut).loss();
            if (DivergencePolicy.isExploded(loss)) {
                recover(new TrainStep.Measures((float) loss, lastBatch.gradientNorm()));
                return;
            }
            ended = ended.afterValidation(loss);
        }
        progress = ended;
        EpochMetrics metrics = new EpochMetrics(
                progress.epoch(),
                progress.loss(),
                seconds,
                batches.charsPerEpoch() / seconds,
                learningRate,
                progress.rollbacks(),
                progress.validation() == null ? null : progress.validation().loss());
        store.append(metrics);
        lastGood = progress;
        dropUnsaved();
        if (clock.isDue(progress) || progress.endsBestValidated()) {
            save();
        } else {
            unsaved = step.snapshot();
        }
        listener.epochEnded(metrics, weights);
        if (progress.epoch() == config.epochs() || config.validation().isOutOfPatience(progress)) {
            listener.trainingEnded(metrics, weights);
        }
    }

    private static <T> Supplier<T> onFirstUse(Supplier<T> supplier) {
        List<T> value = new ArrayList<>(1);
        return () -> {
            if (value.isEmpty()) {
                value.add(supplier.get());
            }
            return value.get(0);
        };
    }

    /** Saves a checkpoint. Before one within an epoch, the start of the epoch is saved, so that it can be gone back to. */
    private void save() throws IOException {
        if (progress.batch() > 0) {
            saveLastGood();
        }
        store.save(step.checkpoint(progress));
        clock.saved();
    }

    private void saveLastGood() throws IOException {
        if (unsaved != null) {
            store.save(unsaved.checkpoint(lastGood));
            dropUnsaved();
        }
    }

    private void dropUnsaved() {
        if (unsaved != null) {
            unsaved.close();
            unsaved = null;
        }
    }

    private boolean hasDiverged(TrainStep.Measures measures) {
        return !Float.isFinite(measures.gradientNorm())
                || config.divergence().isDivergence(measures.loss(), progress.lowestLoss());
    }

    /** Stops, or goes back to the best checkpoint with half the learning rate. */
    private void recover(TrainStep.Measures measures) throws IOException {
        DivergencePolicy policy = config.divergence();
        String what = String.format(
                Locale.ROOT,
                "training diverged in epoch %d: loss %s, gradient norm %s; %s",
                progress.epoch() + 1,
                measures.loss(),
                measures.gradientNorm(),
                progress.loss() == null
                        ? "no epoch was finished"
                        : "the last perplexity was " + Math.exp(progress.loss()));
        if (policy.action() == DivergencePolicy.Action.STOP || progress.rollbacks() == policy.maxRollbacks()) {
            saveLastGood();
            store.discardAfter(lastGood);
            String tried = progress.rollbacks() == 0 ? "" : " after " + progress.rollbacks() + " rollbacks";
            throw new DivergenceException(
                    what + tried + "; the weights before are kept; try a lower --learning-rate or --clip-norm");
        }
        if (config.checkpoints().every().hasEpochEnd(lastGood)) {
            saveLastGood();
        }
        dropUnsaved();
        Checkpoint best = store.best(listener::rolledBack);
        progress = best.progress().afterRollback(progress);
        lastGood = progress;
        step.restore(best);
        store.rollBack(new Checkpoint(best.weights(), best.slots(), best.state(), progress));
        clock.saved();
        listener.rolledBack(String.format(
                Locale.ROOT,
                "%s; going back to epoch %d, batch %d with learning rate %s (rollback %d of %d)",
                what,
                progress.epoch(),
                progress.batch(),
                learningRate(progress.batch()),
                progress.rollbacks(),
                policy.maxRollbacks()));
    }

    @Override
    public void close() {
        dropUnsaved();
        step.close();
        if (validator != null) {
            validator.close();
        }
    }
}
