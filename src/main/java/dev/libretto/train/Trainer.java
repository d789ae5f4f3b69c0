package dev.libretto.train;

import dev.libretto.LibrettoException;
import dev.libretto.device.LostHostException;
import dev.libretto.device.Sessions;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.text.Batches;
import dev.libretto.text.Ids;
import dev.libretto.train.TrainStep.StepInput;
import dev.libretto.train.TrainStep.StepMetrics;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.tensorflow.exceptions.TensorFlowException;

/**
 * The loop over epochs: trains, validates, and saves checkpoints in a {@link CheckpointStore}.
 *
 * <p>A checkpoint is a {@link Progress} with its arrays, and each batch depends on nothing else. So a resumed run matches an
 * uninterrupted one bit for bit.
 */
public final class Trainer implements AutoCloseable {
    /** How often to ask the hosts, which takes milliseconds. */
    private static final long HOST_CHECK_NANOS = 1_000_000_000;

    private final TrainConfig config;
    private final CheckpointStore store;
    private final Batches batches;
    private final List<TrainingListener> listeners;
    private final TrainStep step;
    private final Ids heldOut;
    private final Evaluator validator; // null without validation

    private final CheckpointPolicy.Clock clock;
    /** When the hosts were last asked whether one is shutting down. */
    private long lastHostCheck = System.nanoTime();

    private Progress progress;
    private Batches.Epoch epoch; // null before the first batch
    /** The checkpoint restored if training diverges: the end of the last whole epoch, or the start. */
    private Progress lastGood;
    /** The arrays of {@link #lastGood}; null if the store has them. */
    private TrainStep.Snapshot unsaved;
    /** The checkpoint to start from; null once it is saved. */
    private Checkpoint start;

    /**
     * @param start the checkpoint to start from; {@link Checkpoint#start} for a new model
     * @param listeners receive each event in this order
     */
    public Trainer(
            ModelConfig model,
            TrainConfig config,
            TrainingData data,
            Checkpoint start,
            CheckpointStore store,
            TrainingListener... listeners) {
        this(new TrainStep(model, config, start, data.batches().ids()), model, config, data, start, store, listeners);
    }

    /** @param step runs the training steps; closed with this */
    Trainer(
            TrainStep step,
            ModelConfig model,
            TrainConfig config,
            TrainingData data,
            Checkpoint start,
            CheckpointStore store,
            TrainingListener... listeners) {
        this.config = config;
        this.store = store;
        this.batches = data.batches();
        this.listeners = List.of(listeners);
        this.step = step;
        this.heldOut = data.heldOut();
        this.progress = start.progress();
        this.start = start;
        this.clock = new CheckpointPolicy.Clock(config.checkpoints().every());
        try {
            this.validator = data.heldOut().length() == 0 ? null : new Evaluator(model, config.batchSize());
        } catch (RuntimeException e) {
            step.close();
            throw e;
        }
    }

    /**
     * Trains until all epochs are done, validation stops improving, or a listener requests a stop. Saves a checkpoint.
     *
     * @return the position at the end
     * @throws LibrettoException if training diverges and no rollback is left, or another host fails or shuts down; the last good
     *     weights are saved
     * @throws IOException if a checkpoint cannot be saved
     */
    public Progress train() throws IOException {
        try {
            return trainAll();
        } catch (TensorFlowException e) {
            try {
                Sessions.explain(e);
            } catch (LibrettoException explained) {
                saveLastGood();
                throw explained;
            }
            throw e;
        }
    }

    private Progress trainAll() throws IOException {
        boolean stopped = false;
        while (progress.epoch() < config.epochs() && !config.validation().isOutOfPatience(progress) && !stopped) {
            requireHosts();
            List<StepInput> inputs = nextInputs();
            long before = System.nanoTime();
            List<StepMetrics> metrics = step.run(inputs);
            double seconds = (System.nanoTime() - before) / 1e9;
            begin();
            recordResults(inputs, metrics, seconds / inputs.size());
            stopped = listeners.stream().anyMatch(TrainingListener::stopRequested);
        }
        begin();
        save();
        return progress;
    }

    /** Saves a checkpoint and throws if a host is shutting down. */
    private void requireHosts() throws IOException {
        if (System.nanoTime() - lastHostCheck < HOST_CHECK_NANOS) {
            return;
        }
        lastHostCheck = System.nanoTime();
        try {
            Sessions.requireNotShuttingDown();
        } catch (LostHostException e) {
            if (start == null) {
                save();
            }
            throw e;
        }
    }

    /** Saves the first checkpoint, after a batch has shown that training works. Until then, the store does not change. */
    private void begin() throws IOException {
        if (start == null) {
            return;
        }
        listeners.forEach(TrainingListener::firstBatchComputed);
        store.begin(start);
        start = null;
        lastGood = store.epochStart(progress).orElse(progress);
        listeners.forEach(TrainingListener::trainingStarted);
    }

    /** Returns the inputs of the next run, at most up to the end of the epoch or the next checkpoint. */
    private List<StepInput> nextInputs() {
        if (epoch == null || epoch.number() != progress.epoch()) {
            epoch = batches.epoch(progress.epoch());
        }
        int most = Math.min(epoch.count() - progress.batch(), clock.batchesLeft(progress));
        List<StepInput> inputs = new ArrayList<>();
        for (int i = 0; i < Math.min(step.batchesPerRun(), most); i++) {
            int index = progress.batch() + i;
            inputs.add(new StepInput(epoch.batch(index), learningRate(index), progress.step() + i + 1));
        }
        return inputs;
    }

    /** Records each batch's result, stopping at the first divergence. */
    private void recordResults(List<StepInput> inputs, List<StepMetrics> metrics, double secondsEach)
            throws IOException {
        for (StepMetrics batch : metrics) {
            if (hasDiverged(batch)) {
                recover(batch);
                return;
            }
            progress = progress.afterBatch(batch.loss(), secondsEach);
            for (TrainingListener listener : listeners) {
                listener.batchEnded(progress, epoch.count(), batch);
            }
        }
        int last = inputs.size() - 1;
        if (progress.batch() == epoch.count()) {
            endEpoch(inputs.get(last).learningRate(), metrics.get(last));
        } else if (clock.isDue(progress)) {
            save();
        }
    }

    private double learningRate(int batch) {
        return config.optimizer().learningRate().at(progress.epoch(), batch, batches.count())
                * progress.learningRateFactor();
    }

    private void endEpoch(double learningRate, StepMetrics lastBatch) throws IOException {
        double seconds = progress.seconds();
        Progress ended = progress.afterEpoch();
        Supplier<Weights> weights = cached(step::weights);
        if (validator != null) {
            validator.load(weights.get());
            double loss = validator.evaluate(heldOut).loss();
            if (DivergencePolicy.isExploded(loss)) {
                recover(new StepMetrics((float) loss, lastBatch.gradientNorm()));
                return;
            }
            ended = ended.afterValidation(loss);
            LearningRate rate = config.optimizer().learningRate();
            if (rate.hasPlateaued(ended)) {
                ended = ended.afterDecay(rate.decay());
            }
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
        listeners.forEach(listener -> listener.epochEnded(metrics, weights));
        if (progress.epoch() == config.epochs() || config.validation().isOutOfPatience(progress)) {
            listeners.forEach(listener -> listener.trainingEnded(metrics, weights));
        }
    }

    private static <T> Supplier<T> cached(Supplier<T> supplier) {
        List<T> value = new ArrayList<>(1);
        return () -> {
            if (value.isEmpty()) {
                value.add(supplier.get());
            }
            return value.get(0);
        };
    }

    /** Saves a checkpoint. Within an epoch, first saves the start of the epoch, which a divergence restores. */
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

    private boolean hasDiverged(StepMetrics metrics) {
        return !Float.isFinite(metrics.gradientNorm())
                || config.divergence().isDivergence(metrics.loss(), progress.lowestLoss());
    }

    /** Rolls back to the best checkpoint with half the learning rate, or throws if no rollback is left. */
    private void recover(StepMetrics metrics) throws IOException {
        DivergencePolicy policy = config.divergence();
        String what = String.format(
                Locale.ROOT,
                "training diverged in epoch %d: loss %s, gradient norm %s; %s",
                progress.epoch() + 1,
                metrics.loss(),
                metrics.gradientNorm(),
                progress.loss() == null
                        ? "no epoch was finished"
                        : "the last perplexity was " + Math.exp(progress.loss()));
        if (policy.action() == DivergencePolicy.Action.STOP || progress.rollbacks() == policy.maxRollbacks()) {
            saveLastGood();
            store.discardAfter(lastGood);
            String tried = progress.rollbacks() == 0 ? "" : " after " + progress.rollbacks() + " rollbacks";
            String saved = lastGood.step() == 0 ? "initial" : "last good";
            throw new LibrettoException(what + tried + "; the " + saved
                    + " weights were saved; try a lower learning rate or clipping norm");
        }
        if (config.checkpoints().every().hasEpochEnd(lastGood)) {
            saveLastGood();
        }
        dropUnsaved();
        Checkpoint best = store.best(this::reportRollback);
        progress = best.progress().afterRollback(progress);
        lastGood = progress;
        step.restore(best);
        store.rollBack(new Checkpoint(best.weights(), best.slots(), best.state(), progress));
        clock.saved();
        reportRollback(String.format(
                Locale.ROOT,
                "%s; rolling back to epoch %d, batch %d with learning rate %s (rollback %d of %d)",
                what,
                progress.epoch(),
                progress.batch(),
                learningRate(progress.batch()),
                progress.rollbacks(),
                policy.maxRollbacks()));
    }

    private void reportRollback(String message) {
        listeners.forEach(listener -> listener.rolledBack(message));
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
