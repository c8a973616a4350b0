// The docs page where nothing was built: Swagger UI from the CDN.
import { needs } from './session.js';
import { showDocs } from './swagger.js';

needs('SwaggerUIBundle');
showDocs(window.SwaggerUIBundle);
