package dev.libretto.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.TextScore;
import dev.libretto.generate.ScoredCharacter;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import java.util.List;

/** The log-probabilities of characters, in the shape of OpenAI's completions. */
final class Logprobs {
    private Logprobs() {}

    /**
     * @param characters NaN for those that are not predicted, which have null
     * @param top how many likely characters each has; the character itself is one more if it is not among them
     * @param offset the position of the first character, in code points
     */
    static ObjectNode of(TextScore score, Vocabulary vocabulary, int top) {
        ObjectNode result = of(score.characters(), vocabulary, top, 0);
        // The characters themselves, which the model may not know.
        ArrayNode tokens = (ArrayNode) result.get("tokens");
        int[] codePoints = score.text().codePoints().toArray();
        for (int i = 0; i < codePoints.length; i++) {
            tokens.set(i, Character.toString(codePoints[i]));
        }
        return result;
    }

    static ObjectNode of(List<ScoredCharacter> characters, Vocabulary vocabulary, int top, int offset) {
        ObjectNode result = JsonNodeFactory.instance.objectNode();
        ArrayNode tokens = result.putArray("tokens");
        ArrayNode logprobs = result.putArray("token_logprobs");
        ArrayNode likely = result.putArray("top_logprobs");
        ArrayNode offsets = result.putArray("text_offset");
        int position = offset;
        for (ScoredCharacter character : characters) {
            String token = character.id() == Ids.NONE ? "" : vocabulary.decode(character.id());
            tokens.add(token);
            offsets.add(position++);
            if (Float.isNaN(character.logProbability())) {
                logprobs.addNull();
                likely.addNull();
                continue;
            }
            logprobs.add(character.logProbability());
            if (top == 0) {
                likely.addNull();
                continue;
            }
            ObjectNode others = likely.addObject();
            character.top().forEach(other -> others.put(vocabulary.decode(other.id()), other.logProbability()));
            others.put(token, character.logProbability());
        }
        return result;
    }
}
