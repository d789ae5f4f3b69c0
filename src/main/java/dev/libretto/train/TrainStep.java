package dev.libretto.train;

import dev.libretto.device.PartsSession;
import dev.libretto.device.Sessions;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.text.Batches.Batch;
import dev.libretto.text.Ids;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/** Runs training steps: a session over a {@link TrainingGraph}. */
public class TrainStep implements AutoCloseable {
    /**
     * The metrics of one step.
     *
     * @param loss mean cross entropy in nats per character, before the update
     * @param gradientNorm global norm of the gradients before clipping
     */
    public record StepMetrics(float loss, float gradientNorm) {}

    /**
     * A batch to train on.
     *
     * @param step the number of the step, counted from 1
     */
    public record StepInput(Batch batch, double learningRate, long step) {}

    private final Graph graph = Sessions.newGraph();
    private final TrainingGraph nodes;
    private final PartsSession opened;
    private final Session session;
    /** Whether no batch has run. */
    private boolean isFirst = true;

    /** Builds the graph and restores a checkpoint; batches can come from any text. */
    public TrainStep(ModelConfig model, TrainConfig training, Checkpoint start) {
        this(model, training, start, Ids.of());
    }

    /** Builds the graph for batches that are all cut from one text, and restores a checkpoint. */
    public TrainStep(ModelConfig model, TrainConfig training, Checkpoint start, Ids text) {
        this(
                model,
                training,
                start,
                text,
                ExecutionPlan.of(model, training, Sessions.areOnGpu(), Sessions.factorType(), text.length())
                        .at(Sessions.places()));
    }

    /** @param text the text that batches are cut from; ignored if the plan feeds the batches */
    TrainStep(ModelConfig model, TrainConfig training, Checkpoint start, Ids text, ExecutionPlan plan) {
        try {
            nodes = new TrainingGraph(graph, model, training, plan);
            opened = Sessions.openForParts(graph, plan.parts().count());
        } catch (RuntimeException e) {
            graph.close();
            throw e;
        }
        session = opened.session();
        try {
            if (nodes.text != null) {
                load(text);
            }
            restore(start);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private void load(Ids text) {
        try (TInt64 ids = TInt64.tensorOf(nodes.text.variable().shape())) {
            for (long i = 0; i < text.length(); i++) {
                ids.setLong(text.at(i), i);
            }
            nodes.text.load(session, ids);
        }
    }

    /** Restores the weights, the optimizer's slots and the carried state of a checkpoint. */
    public final void restore(Checkpoint checkpoint) {
        nodes.weights.load(session, checkpoint.weights());
        nodes.slots.load(session, checkpoint.slots());
        nodes.state.load(session, checkpoint.state());
    }

    /** Returns the most batches that {@link #run(List)} accepts. */
    public int batchesPerRun() {
        return nodes.steps.size();
    }

    /**
     * Trains on one batch. The state is carried from the previous batch if {@link Batch#continues}, and is zero otherwise.
     *
     * @param number the number of the step, counted from 1
     */
    public StepMetrics run(Batch batch, double learningRate, long number) {
        return run(List.of(new StepInput(batch, learningRate, number))).get(0);
    }

    /**
     * Trains on batches in one run of the graph, with the same result as one run each.
     *
     * @param inputs from one to {@link #batchesPerRun}
     * @return the metrics of each batch
     */
    public List<StepMetrics> run(List<StepInput> inputs) {
        Session.Runner runner = session.runner().addTarget(nodes.steps.get(inputs.size() - 1).update);
        if (isFirst) {
            runner.setOptions(Sessions.firstRun());
        }
        List<Tensor> fed = new ArrayList<>();
        BiConsumer<Operand<?>, Tensor> feed = (placeholder, tensor) -> {
            fed.add(tensor);
            runner.feed(placeholder, tensor);
        };
        try {
            for (int i = 0; i < inputs.size(); i++) {
                TrainingGraph.Step step = nodes.steps.get(i);
                StepInput input = inputs.get(i);
                step.characters.feed(input.batch(), feed);
                feed.accept(step.continues, TBool.scalarOf(input.batch().continues()));
                feed.accept(step.learningRate, TFloat32.scalarOf((float) input.learningRate()));
                feed.accept(step.number, TInt64.scalarOf(input.step()));
                runner.fetch(step.loss).fetch(step.gradientNorm);
            }
            try (Result result = runner.run()) {
                isFirst = false;
                List<StepMetrics> metrics = new ArrayList<>();
                for (int i = 0; i < inputs.size(); i++) {
                    metrics.add(new StepMetrics(scalar(result, 2 * i), scalar(result, 2 * i + 1)));
                }
                return metrics;
            }
        } finally {
            fed.forEach(Tensor::close);
        }
    }

    private static float scalar(Result result, int index) {
        return ((TFloat32) result.get(index)).getFloat();
    }

    /** Returns the current weights. */
    Weights weights() {
        return nodes.weights.read(session);
    }

    /** Returns a copy of the variables, in native memory. */
    Snapshot snapshot() {
        List<Map<Parameter, TFloat32>> copies = new ArrayList<>();
        try {
            for (Variables variables : List.of(nodes.weights, nodes.slots, nodes.state)) {
                copies.add(variables.copy(session));
            }
        } catch (RuntimeException e) {
            copies.forEach(copy -> copy.values().forEach(TFloat32::close));
            throw e;
        }
        return new Snapshot(copies.get(0), copies.get(1), copies.get(2));
    }

    /** Returns a checkpoint of the current variables. */
    public Checkpoint checkpoint(Progress progress) {
        return new Checkpoint(
                nodes.weights.read(session), nodes.slots.read(session), nodes.state.read(session), progress);
    }

    /** A copy of the training graph's variables in native memory. */
    record Snapshot(Map<Parameter, TFloat32> weights, Map<Parameter, TFloat32> slots, Map<Parameter, TFloat32> state)
            implements AutoCloseable {
        /** Returns the copy as a checkpoint in Java memory. */
        Checkpoint checkpoint(Progress progress) {
            return new Checkpoint(inJava(weights), inJava(slots), inJava(state), progress);
        }

        private static Weights inJava(Map<Parameter, TFloat32> tensors) {
            List<Parameter> parameters = new ArrayList<>(tensors.keySet());
            return new Weights(parameters, parameter -> FloatTensors.toArray(tensors.get(parameter)));
        }

        @Override
        public void close() {
            for (Map<Parameter, TFloat32> tensors : List.of(weights, slots, state)) {
                tensors.values().forEach(TFloat32::close);
            }
        }
    }

    @Override
    public final void close() {
        opened.close();
    }
}
