package dev.libretto.benchmark;

import dev.libretto.text.Batches;
import dev.libretto.train.TrainStep;
import dev.libretto.train.TrainStep.StepInput;
import dev.libretto.train.TrainStep.StepMetrics;
import java.util.ArrayList;
import java.util.List;

/** Times epochs of training, without reports and checkpoints. */
final class TrainingSpeed implements AutoCloseable {
    private final Workload workload;
    private final TrainStep step;
    private int epochs;
    private long steps;
    private double lastLoss;

    TrainingSpeed(Workload workload) {
        this.workload = workload;
        this.step = new TrainStep(
                workload.config().model(),
                workload.config().training(),
                workload.start(),
                workload.batches().ids());
    }

    /**
     * Trains for an epoch.
     *
     * @return its seconds
     */
    double epoch() {
        double learningRate = workload.learningRate();
        long start = System.nanoTime();
        Batches.Epoch epoch = workload.batches().epoch(epochs++);
        double lossSum = 0;
        for (int i = 0; i < epoch.count(); ) {
            List<StepInput> inputs = new ArrayList<>();
            while (i < epoch.count() && inputs.size() < step.batchesPerRun()) {
                inputs.add(new StepInput(epoch.batch(i++), learningRate, ++steps));
            }
            for (StepMetrics metrics : step.run(inputs)) {
                lossSum += metrics.loss();
            }
        }
        lastLoss = lossSum / epoch.count();
        return (System.nanoTime() - start) / 1e9;
    }

    /** Returns the mean loss of the last epoch in nats per character. */
    double loss() {
        return lastLoss;
    }

    @Override
    public void close() {
        step.close();
    }
}
