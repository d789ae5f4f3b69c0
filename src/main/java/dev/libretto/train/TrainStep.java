package dev.libretto.train;

import dev.libretto.device.Sessions;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.Parameter;
import dev.libretto.model.RecurrenceType;
import dev.libretto.model.Weights;
import dev.libretto.run.Checkpoint;
import dev.libretto.run.Progress;
import dev.libretto.run.RunConfig;
import dev.libretto.run.TrainConfig;
import dev.libretto.text.Batch;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/** Runs training steps: a session over a {@link TrainingGraph}, and the state that goes from one batch to the next. */
public final class TrainStep implements AutoCloseable {
    /**
     * What a step measures.
     *
     * @param loss mean cross entropy in nats per character, before the update
     * @param gradientNorm global norm of the gradients before clipping
     */
    public record Measures(float loss, float gradientNorm) {
        /** Whether both are numbers; if not, the update has spoilt the weights. */
        boolean isFinite() {
            return Float.isFinite(loss) && Float.isFinite(gradientNorm);
        }
    }

    private final Graph graph = new Graph();
    private final TrainingGraph step;
    private final Session session;
    private final Shape idShape;
    private final List<TFloat32> zeroState = new ArrayList<>();
    /** The state that the batch before left, and who owns its tensors. */
    private final List<TFloat32> carried = new ArrayList<>();

    private AutoCloseable carriedOwner = () -> {};

    /** Builds the graph and gives it the weights and the carried state of a checkpoint. */
    public TrainStep(RunConfig config, Checkpoint start) {
        TrainConfig training = config.training();
        idShape = Shape.of(training.seqLength(), training.batchSize());
        try {
            step = new TrainingGraph(
                    graph, config, RecurrenceType.of(config.model().cell(), Sessions.areOnGpu()));
        } catch (RuntimeException e) {
            graph.close();
            throw e;
        }
        session = Sessions.open(graph);
        try {
            restore(start);
            for (Parameter array : start.state().parameters()) {
                zeroState.add(FloatTensors.zeros(array.shape()));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Goes back to the weights, the optimizer's arrays and the carried state of a checkpoint. */
    public final void restore(Checkpoint checkpoint) {
        step.variables.load(session, checkpoint.weights());
        step.slots.load(session, checkpoint.slots());
        carry(checkpoint.state());
    }

    private void carry(Weights state) {
        List<TFloat32> tensors = state.parameters().stream()
                .map(array -> FloatTensors.of(array.shape(), state.of(array)))
                .toList();
        carry(tensors, () -> tensors.forEach(Tensor::close));
    }

    private void carry(List<TFloat32> state, AutoCloseable owner) {
        closeCarried();
        carried.addAll(state);
        carriedOwner = owner;
    }

    private void closeCarried() {
        carried.clear();
        try {
            carriedOwner.close();
        } catch (Exception e) {
            throw new AssertionError("closing tensors throws nothing", e);
        }
    }

    /**
     * Trains on one batch: the state goes on from the batch before where {@link Batch#continues} says so, and is zero
     * otherwise.
     *
     * @param number which step it is, counted from 1
     */
    public Measures run(Batch batch, double learningRate, long number) {
        try (TInt32 inputs = TInt32.tensorOf(idShape, DataBuffers.of(batch.inputs()));
                TInt32 targets = TInt32.tensorOf(idShape, DataBuffers.of(batch.targets()));
                TFloat32 rate = TFloat32.scalarOf((float) learningRate);
                TInt64 count = TInt64.scalarOf(number)) {
            Session.Runner runner = session.runner()
                    .feed(step.inputs, inputs)
                    .feed(step.targets, targets)
                    .feed(step.learningRate, rate)
                    .feed(step.step, count)
                    .fetch(step.loss)
                    .fetch(step.gradientNorm)
                    .addTarget(step.update);
            List<TFloat32> state = batch.continues() ? carried : zeroState;
            for (int i = 0; i < state.size(); i++) {
                runner.feed(step.state.get(i), state.get(i)).fetch(step.nextState.get(i));
            }
            Result result = runner.run();
            List<TFloat32> next = new ArrayList<>();
            for (int i = 0; i < state.size(); i++) {
                next.add((TFloat32) result.get(2 + i));
            }
            carry(next, result);
            return new Measures(scalar(result, 0), scalar(result, 1));
        }
    }

    private static float scalar(Result result, int index) {
        return ((TFloat32) result.get(index)).getFloat();
    }

    /** The weights as they are now. */
    Weights weights() {
        return step.variables.read(session);
    }

    /** All that training goes on from, as it is now. */
    public Checkpoint checkpoint(RunConfig config, Progress progress) {
        List<Parameter> arrays = Checkpoint.stateArrays(config);
        Weights state = new Weights(arrays, array -> FloatTensors.toArray(carried.get(arrays.indexOf(array))));
        return new Checkpoint(step.variables.read(session), step.slots.read(session), state, progress);
    }

    @Override
    public void close() {
        closeCarried();
        zeroState.forEach(Tensor::close);
        session.close();
        graph.close();
    }
}
